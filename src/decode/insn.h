/* Holds an instruction between the reader of its format and that of its effects. */
#ifndef HAK_DECODE_INSN_H
#define HAK_DECODE_INSN_H

#include "decode/decode.h"

/* By the processor's numbers. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };
/* As VEX numbers them. */
enum map { ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_5 = 5, MAP_6 };
enum prefix { NO_PREFIX, PREFIX_66, PREFIX_F3, PREFIX_F2 };

/* A cell of a map: three letters, which maps.c explains. */
struct cell {
    char way, width, behind;
};

struct insn {
    const uint8_t *start, *at, *end;
    bool is_short; /* it goes on behind the end */
    bool has_66, has_67, has_segment, has_rex, is_wide, is_vex, is_evex;
    bool is_masked, is_broadcast;
    bool is_repeated;
    enum prefix prefix;
    unsigned reg_high, index_high, base_high; /* 8: the upper half of the registers */
    unsigned reg_top;                         /* 16: the upper half of EVEX's vectors */
    unsigned second;                          /* VEX's third register */
    unsigned vector_bytes;
    enum map map;
    unsigned opcode, mod, reg, rm;
    bool has_modrm, has_short_displacement;
    struct cell cell;
};

HAK_HIDDEN struct cell hak_decode_cell(const struct insn *insn);
/* Of the x87 instruction with a memory operand. */
HAK_HIDDEN struct cell hak_decode_x87_cell(const struct insn *insn);

/* Adds an operand without registers and returns it. */
HAK_HIDDEN struct hak_operand *hak_decode_new_operand(const struct insn *insn,
                                                      struct hak_decoded *out);

/* Completes `out`, which has the address of the operand of ModRM if that is in memory, by what the
 * instruction does. Sets the width of that operand, and whether it is read or written. Adds the
 * operands on the stack and of strings. Notes the registers that change, and jumps. */
HAK_HIDDEN void hak_decode_effects(const struct insn *insn, struct hak_decoded *out);

/* The part of hak_decode_effects, called last, for an instruction with one operand of exactly 16
 * bytes: tells whether that must be aligned and how it is used, and its vector register. */
HAK_HIDDEN void hak_decode_aligned(const struct insn *insn, struct hak_decoded *out);

#endif
