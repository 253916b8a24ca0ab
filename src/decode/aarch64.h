/* Holds a load or store of AArch64 between the reader of its address and that of its effects. */
#ifndef HAK_DECODE_AARCH64_H
#define HAK_DECODE_AARCH64_H

#include "decode/decode.h"

/* Register 31 is the stack pointer as a base, and zero elsewhere. */
enum { A64_ZERO = 31, A64_VECTOR = 1 << 26, A64_LOAD = 1 << 22 };

/* How the address is made. */
enum a64_form {
    FORM_NONE,       /* there is no operand, or its kind makes the address */
    FORM_BASE,       /* [Xn] */
    FORM_SCALED,     /* [Xn, #a multiple of the width], 12 bits */
    FORM_NEAR,       /* [Xn, #number], 9 bits */
    FORM_AFTER,      /* [Xn], #number */
    FORM_BEFORE,     /* [Xn, #number]! */
    FORM_INDEX,      /* [Xn, Xm, LSL #shift], or of Wm */
    FORM_LITERAL,    /* near the instruction itself */
    FORM_PAIR,       /* [Xn, #a multiple of the half width], 7 bits */
    FORM_PAIR_AFTER, /* and so on */
    FORM_PAIR_BEFORE,
    FORM_TAG, /* [Xn, #a multiple of 16], 9 bits */
    FORM_TAG_AFTER,
    FORM_TAG_BEFORE,
    FORM_VECTOR_AFTER, /* [Xn], #width, or [Xn], Xm */
    FORM_SIGNED,       /* [Xn, #number] with a signed pointer: without its signature */
};

/* The use that is made of it. */
enum a64_kind {
    KIND_ONE,          /* one register of the size in the top bits, a vector, or a prefetch */
    KIND_ONE_MOVING,   /* the same without prefetch */
    KIND_ONE_GENERAL,  /* and without vectors */
    KIND_LITERAL,      /* a load or prefetch whose size stands elsewhere */
    KIND_PAIR,         /* two registers */
    KIND_PAIR_PASSING, /* past the caches: without signs and tags */
    KIND_LOAD,         /* one general register */
    KIND_STORE,
    KIND_STORE_TRIED, /* with a register that says whether it was stored */
    KIND_LOAD_TWO,
    KIND_STORE_TWO_TRIED,
    KIND_ATOMIC, /* reads and writes; what was read comes into a register */
    KIND_COMPARED,
    KIND_COMPARED_TWO,
    KIND_LOAD_64, /* of 64 bytes */
    KIND_STORE_64,
    KIND_STORE_64_TRIED,
    KIND_AUTHENTICATED,
    KIND_STRUCTURES, /* LD1 to LD4 and ST1 to ST4 of whole vectors */
    KIND_STRUCTURE,  /* of one element of each, or of one that is copied into all */
    KIND_TAG,        /* MTE's */
    KIND_CACHE,      /* DC and IC: by address */
    KIND_COPY,       /* FEAT_MOPS */
    KIND_SCALABLE,   /* SVE: unknown */
    KIND_MATRIX,     /* SME: unknown */
};

struct a64_row {
    uint32_t mask, value;
    uint8_t form, kind; /* enum a64_form, enum a64_kind */
};

/* `count` bits of the instruction from bit `low` on. */
static inline unsigned hak_a64_bits(uint32_t word, unsigned low, unsigned count) {
    return word >> low & ((1u << count) - 1);
}

/* Adds the operand of a load or store without its address, and the registers that change but the
 * base. False: no such instruction. */
HAK_HIDDEN bool hak_decode_aarch64_effects(uint32_t word, const struct a64_row *row,
                                           unsigned block_bytes, struct hak_decoded *out);

#endif
