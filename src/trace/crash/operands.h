/* Finds the registers that an instruction of x86-64 takes an address from. */
#ifndef HAK_TRACE_OPERANDS_H
#define HAK_TRACE_OPERANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"

struct hak_operands {
    uint32_t registers; /* one bit for each, DWARF's numbers: base and index of the memory operand,
                           or the target of a jump or call through a register */
    bool jumps_by_memory; /* jump or call to where the word at the operand's address leads: */
    int base, index;      /* DWARF's numbers, -1 = none */
    unsigned scale;       /* the index is multiplied by */
    int32_t displacement; /* and this is added */
    int loaded;           /* mov of 8 bytes from memory: the register that they go to, -1 = none */
    unsigned length;      /* of it, in bytes */
};

/* DWARF's number of a register by the processor's, 0 to 15. */
HAK_HIDDEN int hak_operands_dwarf(unsigned number);

/* Of the instruction at `code`, of which `bytes` can be read. False: it has no such operand, or is
 * not known. */
HAK_HIDDEN bool hak_operands_of(const uint8_t *code, size_t bytes, struct hak_operands *operands);

#endif
