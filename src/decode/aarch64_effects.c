/* Tells what a load or store of AArch64 does with its operand. */
#include "decode/aarch64.h"

enum {
    GRANULE_BYTES = 16,      /* with one tag of MTE */
    MOST_BLOCK_BYTES = 2048, /* that DC ZVA clears */
    VECTOR_BYTES = 16,       /* of a vector register of SIMD */
    WIDE_BYTES = 64,         /* of FEAT_LS64 */
    WIDE_REGISTERS = 8,      /* that hold them */
    LAST_WIDE_REGISTER = 22, /* the first of them at most */
};

/* ---- operands and registers ------------------------------------------------------------------ */

/* Adds an operand of exactly `bytes` bytes. */
static struct hak_operand *add_access(struct hak_decoded *out, bool reads, bool writes,
                                      unsigned bytes) {
    struct hak_operand *operand = &out->operands[out->count++];
    *operand = (struct hak_operand){.reads = reads,
                                    .writes = writes,
                                    .is_exact = true,
                                    .bytes = bytes,
                                    .base = -1,
                                    .index = -1,
                                    .moved_by = -1,
                                    .scale = 1};
    return operand;
}

static unsigned first_register(uint32_t word) {
    return hak_a64_bits(word, 0, 5);
}
static unsigned second_register(uint32_t word) {
    return hak_a64_bits(word, 10, 5);
}
static unsigned status_register(uint32_t word) {
    return hak_a64_bits(word, 16, 5);
}
static unsigned size_bytes(uint32_t word) {
    return 1u << (word >> 30);
}

static void set_register(struct hak_decoded *out, unsigned number) {
    if (number != A64_ZERO)
        out->changed |= 1u << number;
}

static void load_register(struct hak_decoded *out, unsigned number) {
    set_register(out, number);
    if (number != A64_ZERO)
        out->loaded = (int)number;
}

static void load_registers(struct hak_decoded *out, unsigned number, unsigned second) {
    load_register(out, number);
    set_register(out, second);
    if (second != A64_ZERO)
        out->loaded_second = (int)second;
}

/* Adds a prefetch, which neither reads nor writes. */
static bool prefetch(struct hak_decoded *out) {
    add_access(out, false, false, 0);
    return true;
}

/* ---- loads and stores ------------------------------------------------------------------------ */

static bool use_one(uint32_t word, enum a64_kind kind, struct hak_decoded *out) {
    unsigned size = word >> 30, what = hak_a64_bits(word, 22, 2);
    if (word & A64_VECTOR) {
        if (kind == KIND_ONE_GENERAL || (what >= 2 && size != 0))
            return false;
        bool is_load = (what & 1) != 0;
        add_access(out, is_load, !is_load, what >= 2 ? VECTOR_BYTES : size_bytes(word));
        return true;
    }
    if (what == 2 && size == 3)
        return kind == KIND_ONE && prefetch(out);
    if (what == 3 && size >= 2)
        return false;
    add_access(out, what != 0, what == 0, size_bytes(word));
    if (what != 0)
        load_register(out, first_register(word));
    return true;
}

static bool use_literal(uint32_t word, struct hak_decoded *out) {
    unsigned what = word >> 30;
    bool is_vector = (word & A64_VECTOR) != 0;
    if (what == 3)
        return !is_vector && prefetch(out);
    add_access(out, true, false, is_vector ? 4u << what : what == 1 ? 8 : 4);
    if (!is_vector)
        load_register(out, first_register(word));
    return true;
}

static bool use_pair(uint32_t word, enum a64_kind kind, struct hak_decoded *out) {
    unsigned what = word >> 30;
    bool is_vector = (word & A64_VECTOR) != 0, is_load = (word & A64_LOAD) != 0;
    bool is_signed = !is_vector && what == 1; /* or stores a tag, too */
    if (what == 3 || (is_signed && kind == KIND_PAIR_PASSING))
        return false;
    unsigned each = is_vector ? 4u << what : what == 2 || (is_signed && !is_load) ? 8 : 4;
    add_access(out, is_load, !is_load, 2 * each);
    if (is_load && !is_vector)
        load_registers(out, first_register(word), second_register(word));
    return true;
}

/* CAS reads into the register it compares with; CASP into two. */
static bool use_compared(uint32_t word, enum a64_kind kind, struct hak_decoded *out) {
    unsigned old = status_register(word);
    if (kind == KIND_COMPARED) {
        add_access(out, true, true, size_bytes(word));
        load_register(out, old);
        return true;
    }
    if ((old | first_register(word)) & 1)
        return false;
    add_access(out, true, true, hak_a64_bits(word, 30, 1) ? 16 : 8);
    load_registers(out, old, old + 1);
    return true;
}

static bool use_64_bytes(uint32_t word, enum a64_kind kind, struct hak_decoded *out) {
    unsigned first = first_register(word);
    if ((first & 1) || first > LAST_WIDE_REGISTER)
        return false;
    add_access(out, kind == KIND_LOAD_64, kind != KIND_LOAD_64, WIDE_BYTES);
    for (unsigned i = 0; kind == KIND_LOAD_64 && i < WIDE_REGISTERS; i++)
        set_register(out, first + i);
    if (kind == KIND_LOAD_64)
        out->loaded = (int)first;
    if (kind == KIND_STORE_64_TRIED)
        set_register(out, status_register(word));
    return true;
}

/* ---- vectors --------------------------------------------------------------------------------- */

static bool use_structures(uint32_t word, struct hak_decoded *out) {
    /* By the opcode: vectors; of LD1 and ST1, whose structures have one element, 8 more. */
    static const uint8_t vectors_of[16] = {
        [0] = 4, [2] = 8 + 4, [4] = 3, [6] = 8 + 3, [7] = 8 + 1, [8] = 2, [10] = 8 + 2};
    unsigned vectors = vectors_of[hak_a64_bits(word, 12, 4)];
    bool is_full = hak_a64_bits(word, 30, 1) != 0, is_load = (word & A64_LOAD) != 0;
    if (vectors == 0 || (vectors < 8 && !is_full && hak_a64_bits(word, 10, 2) == 3))
        return false;
    add_access(out, is_load, !is_load, (vectors & 7) * (is_full ? VECTOR_BYTES : VECTOR_BYTES / 2));
    return true;
}

static bool use_structure(uint32_t word, struct hak_decoded *out) {
    unsigned opcode = hak_a64_bits(word, 13, 3), size = hak_a64_bits(word, 10, 2), bytes;
    bool is_odd = hak_a64_bits(word, 12, 1) != 0, is_load = (word & A64_LOAD) != 0;
    unsigned elements = ((opcode & 1) << 1 | hak_a64_bits(word, 21, 1)) + 1;
    switch (opcode >> 1) {
    case 0:
        bytes = 1;
        break;
    case 1:
        bytes = size & 1 ? 0 : 2;
        break;
    case 2:
        bytes = size == 0 ? 4 : size == 1 && !is_odd ? 8 : 0;
        break;
    default: /* copied into all */
        bytes = is_load && !is_odd ? 1u << size : 0;
        break;
    }
    if (bytes != 0)
        add_access(out, is_load, !is_load, elements * bytes);
    return bytes != 0;
}

/* ---- tags, caches, copies -------------------------------------------------------------------- */

/* STG, STZG, ST2G, STZ2G and LDG. STGM, STZGM and LDGM, which no program may use, are unknown. */
static bool use_tags(uint32_t word, struct hak_decoded *out) {
    unsigned what = hak_a64_bits(word, 22, 2);
    bool is_offset = hak_a64_bits(word, 10, 2) != 0, is_load = !is_offset && (what & 1);
    bool is_many = !is_offset && what != 1;
    if (is_many && hak_a64_bits(word, 12, 9) != 0)
        return false;
    struct hak_operand *operand = add_access(
        out, is_load, !is_load, is_offset && what >= 2 ? 2 * GRANULE_BYTES : GRANULE_BYTES);
    operand->is_tags = is_offset ? !(what & 1) : what != 0;
    operand->is_rounded = is_load;
    operand->is_unknown = is_many;
    if (is_load)
        set_register(out, first_register(word));
    return true;
}

/* IC IVAU, DC CVAU, and CVAC, CVAP, CVADP and CIVAC: of data, tags or both. */
static bool is_line(unsigned group, unsigned what) {
    bool is_of_tags = what == 3 || what == 5;
    return (what == 1 && (group == 5 || (group >= 10 && group <= 14))) ||
           (is_of_tags && group >= 10 && group <= 14 && group != 11);
}

/* DC ZVA, GVA and GZVA write; other lines are cleaned or invalidated, as clflush does. */
static bool use_cache(uint32_t word, unsigned block_bytes, struct hak_decoded *out) {
    unsigned group = hak_a64_bits(word, 8, 4), what = hak_a64_bits(word, 5, 3);
    if (group == 4 && (what == 1 || what == 3 || what == 4)) {
        struct hak_operand *operand =
            add_access(out, false, true, block_bytes ? block_bytes : MOST_BLOCK_BYTES);
        operand->is_exact = operand->is_rounded = block_bytes != 0;
        operand->is_unknown = block_bytes == 0;
        operand->is_tags = what == 3;
        operand->base = (int)first_register(word);
    } else if (is_line(group, what)) {
        add_access(out, false, false, 0)->base = (int)first_register(word);
    }
    if (out->count > 0 && out->operands->base == A64_ZERO)
        out->operands->base = -1;
    return true;
}

/* Adds an operand about which it is only known that it is read or written. */
static struct hak_operand *add_unknown(struct hak_decoded *out, bool reads, bool writes) {
    struct hak_operand *operand = add_access(out, reads, writes, MOST_BLOCK_BYTES);
    operand->is_exact = false;
    operand->is_unknown = true;
    return operand;
}

/* CPYP, CPYM, CPYE, and SETP, SETM, SETE: as many bytes as a register says. */
static bool use_copy(uint32_t word, struct hak_decoded *out) {
    unsigned to = first_register(word), from = status_register(word);
    unsigned left = hak_a64_bits(word, 5, 5);
    bool is_set = hak_a64_bits(word, 22, 2) == 3;
    if (to == A64_ZERO || left == A64_ZERO || (!is_set && from == A64_ZERO) ||
        (is_set && hak_a64_bits(word, 14, 2) == 3))
        return false;
    add_unknown(out, false, true)->base = (int)to;
    if (!is_set)
        add_unknown(out, true, false)->base = (int)from;
    set_register(out, to);
    set_register(out, left);
    if (!is_set)
        set_register(out, from);
    return true;
}

bool hak_decode_aarch64_effects(uint32_t word, const struct a64_row *row, unsigned block_bytes,
                                struct hak_decoded *out) {
    enum a64_kind kind = row->kind;
    unsigned two_bytes = hak_a64_bits(word, 30, 1) ? 16 : 8;
    switch (kind) {
    case KIND_ONE:
    case KIND_ONE_MOVING:
    case KIND_ONE_GENERAL:
        return use_one(word, kind, out);
    case KIND_LITERAL:
        return use_literal(word, out);
    case KIND_PAIR:
    case KIND_PAIR_PASSING:
        return use_pair(word, kind, out);
    case KIND_LOAD:
    case KIND_AUTHENTICATED:
        add_access(out, true, false, size_bytes(word));
        load_register(out, first_register(word));
        out->operands->is_unknown = kind == KIND_AUTHENTICATED;
        return true;
    case KIND_STORE:
    case KIND_STORE_TRIED:
        add_access(out, false, true, size_bytes(word));
        if (kind == KIND_STORE_TRIED)
            set_register(out, status_register(word));
        return true;
    case KIND_LOAD_TWO:
        add_access(out, true, false, two_bytes);
        load_registers(out, first_register(word), second_register(word));
        return true;
    case KIND_STORE_TWO_TRIED:
        add_access(out, false, true, two_bytes);
        set_register(out, status_register(word));
        return true;
    case KIND_ATOMIC:
        add_access(out, true, true, size_bytes(word));
        load_register(out, first_register(word));
        return true;
    case KIND_COMPARED:
    case KIND_COMPARED_TWO:
        return use_compared(word, kind, out);
    case KIND_LOAD_64:
    case KIND_STORE_64:
    case KIND_STORE_64_TRIED:
        return use_64_bytes(word, kind, out);
    case KIND_STRUCTURES:
        return use_structures(word, out);
    case KIND_STRUCTURE:
        return use_structure(word, out);
    case KIND_TAG:
        return use_tags(word, out);
    case KIND_CACHE:
        return use_cache(word, block_bytes, out);
    case KIND_COPY:
        return use_copy(word, out);
    case KIND_SCALABLE:
        add_unknown(out, word >> 29 != 7, word >> 29 == 7);
        return true;
    case KIND_MATRIX:
        add_unknown(out, true, true);
        return true;
    }
    return false;
}
