/* Reads one instruction of AArch64 (Arm's Architecture Reference Manual for A-profile, chapter C4):
 * four bytes, of which the row that they fit tells the operand's address and effect. */
#include "decode/aarch64.h"

static const struct a64_row rows[] = {
    /* One register. */
    {0x3b000000, 0x39000000, FORM_SCALED, KIND_ONE},
    {0x3b200c00, 0x38000000, FORM_NEAR, KIND_ONE}, /* LDUR, STUR */
    {0x3b200c00, 0x38000400, FORM_AFTER, KIND_ONE_MOVING},
    {0x3b200c00, 0x38000c00, FORM_BEFORE, KIND_ONE_MOVING},
    {0x3b200c00, 0x38000800, FORM_NEAR, KIND_ONE_GENERAL}, /* LDTR, STTR */
    {0x3b200c00, 0x38200800, FORM_INDEX, KIND_ONE},
    {0x3f200c00, 0x19000000, FORM_NEAR, KIND_ONE_GENERAL}, /* LDAPUR, STLUR */
    {0x3b000000, 0x18000000, FORM_LITERAL, KIND_LITERAL},
    {0xff200c00, 0xf8200400, FORM_SIGNED, KIND_AUTHENTICATED}, /* LDRAA, LDRAB */
    {0xff200c00, 0xf8200c00, FORM_SIGNED, KIND_AUTHENTICATED},
    /* Two. */
    {0x3b800000, 0x28000000, FORM_PAIR, KIND_PAIR_PASSING}, /* LDNP, STNP */
    {0x3b800000, 0x28800000, FORM_PAIR_AFTER, KIND_PAIR},
    {0x3b800000, 0x29000000, FORM_PAIR, KIND_PAIR},
    {0x3b800000, 0x29800000, FORM_PAIR_BEFORE, KIND_PAIR},
    /* Exclusive, ordered. Registers that they do not use should be 31, but no processor looks. */
    {0x3fe00000, 0x08000000, FORM_BASE, KIND_STORE_TRIED},     /* STXR, STLXR */
    {0x3fe00000, 0x08400000, FORM_BASE, KIND_LOAD},            /* LDXR, LDAXR */
    {0xbfe00000, 0x88200000, FORM_BASE, KIND_STORE_TWO_TRIED}, /* STXP, STLXP */
    {0xbfe00000, 0x88600000, FORM_BASE, KIND_LOAD_TWO},        /* LDXP, LDAXP */
    {0x3fe00000, 0x08800000, FORM_BASE, KIND_STORE},           /* STLR, STLLR */
    {0x3fe00000, 0x08c00000, FORM_BASE, KIND_LOAD},            /* LDAR, LDLAR */
    {0x3ffffc00, 0x38bfc000, FORM_BASE, KIND_LOAD},            /* LDAPR */
    /* Atomic. */
    {0x3fa07c00, 0x08a07c00, FORM_BASE, KIND_COMPARED},       /* CAS */
    {0xbfa07c00, 0x08207c00, FORM_BASE, KIND_COMPARED_TWO},   /* CASP */
    {0x3f208c00, 0x38200000, FORM_BASE, KIND_ATOMIC},         /* LDADD to LDUMIN */
    {0x3f20fc00, 0x38208000, FORM_BASE, KIND_ATOMIC},         /* SWP */
    {0xfffffc00, 0xf83fd000, FORM_BASE, KIND_LOAD_64},        /* LD64B */
    {0xfffffc00, 0xf83f9000, FORM_BASE, KIND_STORE_64},       /* ST64B */
    {0xffe0fc00, 0xf820b000, FORM_BASE, KIND_STORE_64_TRIED}, /* ST64BV */
    {0xffe0fc00, 0xf820a000, FORM_BASE, KIND_STORE_64_TRIED}, /* ST64BV0 */
    /* Vectors. */
    {0xbfbf0000, 0x0c000000, FORM_BASE, KIND_STRUCTURES},
    {0xbfa00000, 0x0c800000, FORM_VECTOR_AFTER, KIND_STRUCTURES},
    {0xbf9f0000, 0x0d000000, FORM_BASE, KIND_STRUCTURE},
    {0xbf800000, 0x0d800000, FORM_VECTOR_AFTER, KIND_STRUCTURE},
    /* Tags, caches, copies. */
    {0xff200c00, 0xd9200000, FORM_TAG, KIND_TAG}, /* LDG */
    {0xff200c00, 0xd9200400, FORM_TAG_AFTER, KIND_TAG},
    {0xff200c00, 0xd9200800, FORM_TAG, KIND_TAG},
    {0xff200c00, 0xd9200c00, FORM_TAG_BEFORE, KIND_TAG},
    {0xfffff000, 0xd50b7000, FORM_NONE, KIND_CACHE},
    {0xfb200c00, 0x19000400, FORM_NONE, KIND_COPY},
    /* Unknown ones. */
    {0x9e000000, 0x84000000, FORM_NONE, KIND_SCALABLE},
    {0x9e000000, 0x80000000, FORM_NONE, KIND_MATRIX},
};

/* ---- addresses ------------------------------------------------------------------------------- */

/* `count` bits from bit `low` on, the highest of which is the sign. */
static int64_t signed_bits(uint32_t word, unsigned low, unsigned count) {
    return (int64_t)((uint64_t)hak_a64_bits(word, low, count) << (64 - count)) >> (64 - count);
}

/* Makes [Xn, Xm] of the operand; false where the index is of no known part. */
static bool set_index(uint32_t word, unsigned unit, struct hak_operand *operand) {
    unsigned part = hak_a64_bits(word, 13, 3), index = hak_a64_bits(word, 16, 5);
    if (!(part & 2))
        return false;
    operand->index = index == A64_ZERO ? -1 : (int)index;
    operand->scale = hak_a64_bits(word, 12, 1) ? unit : 1;
    operand->index_part = part == 2   ? HAK_INDEX_UNSIGNED_HALF
                          : part == 6 ? HAK_INDEX_SIGNED_HALF
                                      : HAK_INDEX_WHOLE;
    return true;
}

/* Sets what the base has moved by after LD1 and its like: the width, or a register. */
static void set_vector_step(uint32_t word, struct hak_operand *operand) {
    unsigned step = hak_a64_bits(word, 16, 5);
    if (step == A64_ZERO)
        operand->moves = (int)operand->bytes;
    else
        operand->moved_by = (int)step;
}

/* The unit that an offset counts in: a prefetch's in 8 bytes, a pair's in halves, a tag's in
 * granules, also that of STGP. */
static unsigned unit_of(uint32_t word, enum a64_form form, const struct hak_operand *operand) {
    enum { GRANULE = 16, PREFETCH = 8, STGP_MASK = 0x3c400000 | 0xc0000000u, STGP = 0x68000000 };
    if (form >= FORM_TAG && form <= FORM_TAG_BEFORE)
        return GRANULE;
    if (form >= FORM_PAIR && form <= FORM_PAIR_BEFORE)
        return (word & STGP_MASK) == STGP ? GRANULE : operand->bytes / 2;
    return operand->bytes ? operand->bytes : PREFETCH;
}

/* Sets the offset from the base, which moves by it before the access, after it, or not at all. */
static void set_offset(struct hak_operand *operand, int64_t offset, bool is_before, bool is_after) {
    operand->displacement = is_after ? 0 : offset;
    operand->moves = is_before || is_after ? (int)offset : 0;
}

static bool set_address(uint32_t word, enum a64_form form, struct hak_decoded *out) {
    struct hak_operand *operand = out->operands;
    unsigned unit = form == FORM_NONE ? 0 : unit_of(word, form, operand);
    if (form == FORM_NONE)
        return true;
    if (form == FORM_LITERAL) {
        operand->is_of_rip = true; /* which is that of the next instruction */
        operand->displacement = 4 * signed_bits(word, 5, 19) - HAK_DECODE_AARCH64_BYTES;
        return true;
    }
    operand->base = (int)hak_a64_bits(word, 5, 5);
    switch (form) {
    case FORM_SCALED:
        set_offset(operand, (int64_t)hak_a64_bits(word, 10, 12) * unit, false, false);
        break;
    case FORM_NEAR:
    case FORM_AFTER:
    case FORM_BEFORE:
        set_offset(operand, signed_bits(word, 12, 9), form == FORM_BEFORE, form == FORM_AFTER);
        break;
    case FORM_PAIR:
    case FORM_PAIR_AFTER:
    case FORM_PAIR_BEFORE:
        set_offset(operand, signed_bits(word, 15, 7) * unit, form == FORM_PAIR_BEFORE,
                   form == FORM_PAIR_AFTER);
        break;
    case FORM_TAG:
    case FORM_TAG_AFTER:
    case FORM_TAG_BEFORE:
        set_offset(operand, signed_bits(word, 12, 9) * unit, form == FORM_TAG_BEFORE,
                   form == FORM_TAG_AFTER);
        break;
    case FORM_INDEX:
        return set_index(word, unit, operand);
    case FORM_VECTOR_AFTER:
        set_vector_step(word, operand);
        break;
    case FORM_SIGNED:
        operand->displacement =
            8 * ((int64_t)hak_a64_bits(word, 12, 9) - (hak_a64_bits(word, 22, 1) ? 512 : 0));
        out->changed |= hak_a64_bits(word, 11, 1) << operand->base;
        break;
    default:
        break;
    }
    if (operand->moves || operand->moved_by >= 0)
        out->changed |= 1u << operand->base;
    return true;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* Notes jumps, with the register that leads there, and the register that a call, or what is neither
 * load nor store, may change. False: no instruction has such bits. */
static bool use_no_memory(uint32_t word, struct hak_decoded *out) {
    enum { LINK = 30 };
    unsigned class = hak_a64_bits(word, 25, 4);
    bool is_call = (word & 0xfc000000) == 0x94000000, is_by_register = word >> 25 == 0x6b;
    if ((class == 0 && word >> 31 == 0) || class == 1 || class == 3)
        return false;
    if (is_by_register) {
        unsigned to = hak_a64_bits(word, 5, 5);
        out->source = to == A64_ZERO ? LINK : (int)to;
        is_call = (hak_a64_bits(word, 21, 4) & 7) == 1;
    }
    out->is_jump = is_call || is_by_register || (word & 0xfc000000) == 0x14000000 ||
                   (word & 0xff000000) == 0x54000000 || (word & 0x7c000000) == 0x34000000;
    if (is_call)
        out->changed = 1u << LINK;
    else if (!out->is_jump)
        out->changed = 1u << hak_a64_bits(word, 0, 5);
    return true;
}

static bool is_load_or_store(uint32_t word) {
    return (word & 0x0a000000) == 0x08000000;
}

bool hak_decode_aarch64(const uint8_t *code, size_t count, unsigned block_bytes,
                        struct hak_decoded *decoded) {
    uint32_t word = 0;
    *decoded = (struct hak_decoded){.loaded = -1, .loaded_second = -1, .source = -1};
    if (count < HAK_DECODE_AARCH64_BYTES)
        return false;
    for (unsigned i = 0; i < HAK_DECODE_AARCH64_BYTES; i++)
        word |= (uint32_t)code[i] << 8 * i;
    struct hak_decoded found = *decoded;
    bool is_known = !is_load_or_store(word) && use_no_memory(word, &found);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((word & rows[i].mask) == rows[i].value) {
            found = *decoded;
            is_known = hak_decode_aarch64_effects(word, &rows[i], block_bytes, &found) &&
                       set_address(word, rows[i].form, &found);
            break;
        }
    if (!is_known)
        return false;
    found.length = HAK_DECODE_AARCH64_BYTES;
    *decoded = found;
    return true;
}
