/* Call frame information of one pc: the rules in .eh_frame for finding the caller's registers.
 *
 *   pc -> module (platform/objects.h) -> .eh_frame_hdr (binary search) -> FDE -> CIE
 *      -> instructions -> row
 *
 * A row tells, for one pc, how the canonical frame address (CFA, the caller's rsp) is computed and
 * where each register was saved. The format is that of the DWARF standard, section 6.4, with the
 * differences of .eh_frame in the Linux Standard Base. Only memory of the module that holds the pc
 * is read, and every read is checked against the module's bounds.
 *
 * Thread and signal safety: all of it is async-signal-safe; no lock, no allocation, errno is kept,
 * also inside a call that comes from ld.so. */
#ifndef HAK_UNWIND_CFI_H
#define HAK_UNWIND_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "unwind/registers.h"
#include "unwind/stack_memory.h"
#include "platform/objects.h"

enum hak_cfi_how {
    HAK_CFI_SAME = 0,      /* not changed; also: nothing is said about it */
    HAK_CFI_UNDEFINED,     /* cannot be found again */
    HAK_CFI_AT_OFFSET,     /* saved at CFA + value */
    HAK_CFI_IS_OFFSET,     /* is CFA + value; as the CFA's own rule: reg + value */
    HAK_CFI_IN_REGISTER,   /* is in reg */
    HAK_CFI_AT_EXPRESSION, /* saved where the expression says */
    HAK_CFI_IS_EXPRESSION, /* is what the expression says */
};

/* How one register, or the CFA, is found. 8 bytes, because rows are remembered on a small stack. */
struct hak_cfi_cell {
    uint8_t how;    /* enum hak_cfi_how */
    uint8_t reg;    /* DWARF number */
    uint16_t bytes; /* length of the expression */
    int32_t value;  /* offset in bytes; or the expression's distance from hak_cfi.origin */
};

struct hak_cfi_row {
    struct hak_cfi_cell cfa;
    struct hak_cfi_cell reg[HAK_REGISTERS];
};

struct hak_cfi {
    struct hak_cfi_row row;
    bool signal_frame;     /* augmentation S: the caller was interrupted, it did not call */
    uintptr_t start;       /* of the code that the FDE covers */
    const uint8_t *origin; /* expressions are relative to it */
};

/* Finds and runs the CFI of `pc`, which lies in `object`, into `cfi`. Returns false when there is
 * none or it cannot be understood. */
HAK_HIDDEN bool hak_cfi_find(const struct hak_object *object, uintptr_t pc, struct hak_cfi *cfi);

/* Steps `registers` from a frame to its caller's as `cfi` says. Returns false when a register that
 * is needed is not known, a word cannot be read or an expression is wrong. rip is not known
 * afterwards when this was the outermost frame. */
HAK_HIDDEN bool hak_cfi_apply(const struct hak_cfi *cfi, struct hak_registers *registers,
                              struct hak_stack_memory *memory);

/* Computes a DWARF expression of `bytes` at `expression`. `start`, when not NULL, lies on the
 * expression's stack at the beginning (it is the CFA, for rules of registers). Returns false when
 * it needs what is not known or is wrong. */
HAK_HIDDEN bool hak_cfi_evaluate(const uint8_t *expression, size_t bytes,
                                 const struct hak_registers *registers, const uint64_t *start,
                                 struct hak_stack_memory *memory, uint64_t *result);

#endif
