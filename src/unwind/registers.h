/* The general registers of x86-64 in DWARF's numbering, as the unwinder starts from them. */
#ifndef HAK_UNWIND_REGISTERS_H
#define HAK_UNWIND_REGISTERS_H

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
    HAK_R8 = 8,
    HAK_R12 = 12,
    HAK_R13 = 13,
    HAK_R14 = 14,
    HAK_R15 = 15,
    HAK_RIP = 16,
    HAK_REGISTERS = 17
};

/* `known` has bit i set when value[i] is known. */
struct hak_registers {
    uint64_t value[HAK_REGISTERS];
    uint32_t known;
};

/* The registers that calls preserve, and those that say where we are. */
#define HAK_REGISTERS_AT_CALL                                                                      \
    (1u << HAK_RBX | 1u << HAK_RBP | 1u << HAK_RSP | 1u << HAK_R12 | 1u << HAK_R13 |               \
     1u << HAK_R14 | 1u << HAK_R15 | 1u << HAK_RIP)

/* Takes a snapshot at one instruction of the function it is inlined into, so that the function's
 * own CFI holds for it. The snapshot can be unwound as long as that function has not returned. */
HAK_IN_PLACE void hak_registers_here(struct hak_registers *registers) {
    registers->known = HAK_REGISTERS_AT_CALL;
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
                     : "r"(registers->value)
                     : "rax", "memory");
}

#endif
