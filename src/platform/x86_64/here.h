/* Numbers the general registers of x86-64 as DWARF does, and notes those of the function it stands
 * in. */
#ifndef HAK_PLATFORM_X86_64_HERE_H
#define HAK_PLATFORM_X86_64_HERE_H

#include <stdbool.h>
#include <stdint.h>
#include "attributes.h"

enum {
    HAK_RAX = 0,
    HAK_RDX = 1,
    HAK_RCX = 2,
    HAK_RBX = 3,
    HAK_RSI = 4,
    HAK_RDI = 5,
    HAK_RBP = 6,
    HAK_RSP = 7,
    HAK_REGISTER_FP = HAK_RBP, /* as they are called everywhere */
    HAK_REGISTER_SP = HAK_RSP,
    HAK_R8 = 8,
    HAK_R12 = 12,
    HAK_R13 = 13,
    HAK_R14 = 14,
    HAK_R15 = 15,
    HAK_RIP = 16,
    HAK_REGISTER_IP = HAK_RIP,     /* behind all others, everywhere */
    HAK_REGISTER_RETURN = HAK_RIP, /* which rules of a return address are of */
    HAK_REGISTERS = 17
};
typedef uint32_t hak_register_bits;

/* The registers that calls preserve, and those that say where we are. */
#define HAK_REGISTERS_AT_CALL                                                                      \
    (1u << HAK_RBX | 1u << HAK_RBP | 1u << HAK_RSP | 1u << HAK_R12 | 1u << HAK_R13 |               \
     1u << HAK_R14 | 1u << HAK_R15 | 1u << HAK_RIP)

HAK_IN_PLACE void hak_note_registers(uint64_t *value) {
    __asm__ volatile("leaq 0(%%rip), %%rax\n\t"
                     "movq %%rax, 128(%0)\n\t"
                     "movq %%rsp, 56(%0)\n\t"
                     "movq %%rbp, 48(%0)\n\t"
                     "movq %%rbx, 24(%0)\n\t"
                     "movq %%r12, 96(%0)\n\t"
                     "movq %%r13, 104(%0)\n\t"
                     "movq %%r14, 112(%0)\n\t"
                     "movq %%r15, 120(%0)"
                     :
                     : "r"(value)
                     : "rax", "memory");
}

/* Of a caller's registers that were found by rules: the return address is its instruction pointer,
 * where a rule said something of it (`has_rule`). */
static inline void hak_take_return(uint64_t *value, hak_register_bits *known, bool has_rule) {
    (void)value;
    if (!has_rule)
        *known &= ~(1u << HAK_RIP); /* nothing to return to */
}

#endif
