/* The machines whose cores are read. */
#include "viewer/corefile/machine.h"

#include <elf.h>
#include <stddef.h>

/* Registers of x86-64 as the kernel's struct user_regs_struct has them. */
enum { R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI };
enum { RIP = 16, RSP = 19, FS_BASE = 21 };

/* Of aarch64, of struct user_pt_regs: x0 to x30 are 0 to 30. */
enum { SP = 31, PC = 32 };

static const struct core_machine machines[] = {
    {.elf = EM_X86_64,
     .name = "x86-64",
     .status_bytes = 336,
     .ip = RIP,
     .sp = RSP,
     .tp = FS_BASE,
     .general_count = 16,
     .general = {RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, RSP},
     .vectors_at = 160,
     .vector_count = 32,
     .red_zone_bytes = 128,
     .dtv_word = 1},
    {.elf = EM_AARCH64,
     .name = "aarch64",
     .status_bytes = 392,
     .ip = PC,
     .sp = SP,
     .tp = CORE_NO_REGISTER,
     .general_count = 32,
     .general = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, SP},
     .vectors_at = 0,
     .vector_count = 64,
     .dtv_word = 0,
     .tls_is_above = true,
     .tag_bits = (uint64_t)15 << 56},
};

const struct core_machine *core_machine_of(uint16_t elf) {
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (machines[i].elf == elf)
            return &machines[i];
    return NULL;
}
