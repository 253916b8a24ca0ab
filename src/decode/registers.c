/* Names the processors and their general registers, by DWARF's numbers. */
#include "decode/decode.h"
#include <elf.h>

enum { MOST_REGISTERS = 33 };

/* clang-format off */
static const struct {
    unsigned elf, count;
    const char *name, *registers[MOST_REGISTERS];
} processors[HAK_PROCESSORS] = {
    [HAK_PROCESSOR_X86_64] = {EM_X86_64, 17, "x86-64",
     {"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12",
      "r13", "r14", "r15", "rip"}},
    [HAK_PROCESSOR_AARCH64] = {EM_AARCH64, 33, "aarch64",
     {"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
      "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
      "x27", "x28", "x29", "x30", "sp", "pc"}},
};
/* clang-format on */

bool hak_processor_of(unsigned elf, enum hak_processor *processor) {
    for (unsigned i = 0; i < HAK_PROCESSORS; i++)
        if (processors[i].elf == elf) {
            *processor = (enum hak_processor)i;
            return true;
        }
    return false;
}

const char *hak_processor_name(enum hak_processor processor) {
    return processors[processor].name;
}

unsigned hak_processor_registers(enum hak_processor processor) {
    return processors[processor].count;
}

const char *hak_register_name(enum hak_processor processor, unsigned number) {
    return number < processors[processor].count ? processors[processor].registers[number]
                                                : "a register";
}
