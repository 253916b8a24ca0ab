/* Numbers the general registers of aarch64 as DWARF does, and notes those of the function it stands
 * in. */
#ifndef HAK_PLATFORM_AARCH64_HERE_H
#define HAK_PLATFORM_AARCH64_HERE_H

#include <stdbool.h>
#include <stdint.h>
#include "attributes.h"

enum {
    HAK_X19 = 19, /* to x28 calls preserve them */
    HAK_FP = 29,
    HAK_LR = 30,
    HAK_SP = 31,
    HAK_REGISTER_FP = HAK_FP, /* as they are called everywhere */
    HAK_REGISTER_SP = HAK_SP,
    HAK_PC = 32,
    HAK_REGISTER_IP = HAK_PC,     /* behind all others, everywhere */
    HAK_REGISTER_RETURN = HAK_LR, /* which rules of a return address are of */
    HAK_REGISTERS = 33
};
typedef uint64_t hak_register_bits;

/* The registers that calls preserve, and those that say where we are. */
#define HAK_REGISTERS_AT_CALL (((uint64_t)1 << HAK_REGISTERS) - ((uint64_t)1 << HAK_X19))

HAK_IN_PLACE void hak_note_registers(uint64_t *value) {
    __asm__ volatile("stp x19, x20, [%0, #152]\n\t"
                     "stp x21, x22, [%0, #168]\n\t"
                     "stp x23, x24, [%0, #184]\n\t"
                     "stp x25, x26, [%0, #200]\n\t"
                     "stp x27, x28, [%0, #216]\n\t"
                     "stp x29, x30, [%0, #232]\n\t"
                     "mov x9, sp\n\t"
                     "adr x10, .\n\t"
                     "stp x9, x10, [%0, #248]"
                     :
                     : "r"(value)
                     : "x9", "x10", "memory");
}

/* Of a caller's registers that were found by rules: the return address is its instruction pointer,
 * without the signature (PAC) that a function may have put on it. The caller's own x30 is not
 * known. */
static inline void hak_take_return(uint64_t *value, hak_register_bits *known, bool has_rule) {
    enum { ADDRESS_BITS = 48 };
    const hak_register_bits lr = (hak_register_bits)1 << HAK_LR;
    const hak_register_bits pc = (hak_register_bits)1 << HAK_PC;
    (void)has_rule; /* it may be in x30 */
    value[HAK_PC] = value[HAK_LR] & (((uint64_t)1 << ADDRESS_BITS) - 1);
    *known = *known & lr ? (*known | pc) & ~lr : *known & ~pc;
}

#endif
