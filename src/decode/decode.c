/* Reads the format of one instruction of x86-64 (Intel's Software Developer's Manual, volume 2,
 * chapter 2): prefixes, VEX and EVEX, opcode, ModRM, SIB, displacement and immediate. */
#include "decode/decode.h"

#include "decode/insn.h"

int hak_decode_register(unsigned number) {
    static const uint8_t dwarf[] = {
        [RAX] = 0, [RCX] = 2, [RDX] = 1, [RBX] = 3, [RSP] = 7, [RBP] = 6, [RSI] = 4, [RDI] = 5};
    return number < 8 ? dwarf[number] : (int)number;
}

/* The next byte; behind the end 0, and the instruction is short. */
static unsigned next(struct insn *insn) {
    if (insn->at < insn->end)
        return *insn->at++;
    insn->is_short = true;
    return 0;
}

/* Reads a little-endian number. */
static uint64_t number(struct insn *insn, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)next(insn) << 8 * i;
    return value;
}

/* ---- prefixes -------------------------------------------------------------------------------- */

/* Notes a prefix of the instruction; false where the byte is none. Of f2 and f3 the last one
 * counts, and before 66. */
static bool read_prefix(struct insn *insn, unsigned byte) {
    switch (byte) {
    case 0x66:
        insn->has_66 = true;
        if (insn->prefix == NO_PREFIX)
            insn->prefix = PREFIX_66;
        return true;
    case 0x67:
        return insn->has_67 = true;
    case 0xf2:
    case 0xf3:
        insn->is_repeated = true;
        insn->prefix = byte == 0xf2 ? PREFIX_F2 : PREFIX_F3;
        return true;
    case 0x64:
    case 0x65:
        return insn->has_segment = true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0xf0:
        return true;
    default:
        return false;
    }
}

/* Notes what a REX prefix says: W widens the operand; R, X and B are the high bits of reg, index
 * and base. */
static void read_rex(struct insn *insn, unsigned rex) {
    insn->has_rex = true;
    insn->is_wide = (rex & 8) != 0;
    insn->reg_high = rex & 4 ? 8 : 0;
    insn->index_high = rex & 2 ? 8 : 0;
    insn->base_high = rex & 1 ? 8 : 0;
}

/* Reads the rest of a VEX or EVEX prefix (c4, c5, 62) and the opcode behind it; the prefix has R, X
 * and B inverted. Sets map to ONE_BYTE, for which no VEX instruction is known, where the prefix is
 * not understood. */
static void read_vex(struct insn *insn, unsigned kind) {
    unsigned first = next(insn), second = kind == 0xc5 ? first : next(insn), third = 0;
    if (kind == 0x62)
        third = next(insn);
    insn->is_vex = true;
    insn->is_evex = kind == 0x62;
    insn->is_masked = (third & 7) != 0;
    insn->is_broadcast = (third & 0x10) != 0;
    insn->reg_high = first & 0x80 ? 0 : 8;
    insn->reg_top = insn->is_evex && !(first & 0x10) ? 16 : 0;
    insn->index_high = kind == 0xc5 || first & 0x40 ? 0 : 8;
    insn->base_high = kind == 0xc5 || first & 0x20 ? 0 : 8;
    insn->map = kind == 0xc5 ? MAP_0F : (enum map)(first & (insn->is_evex ? 7 : 31));
    insn->is_wide = kind != 0xc5 && (second & 0x80) != 0;
    insn->second = ~second >> 3 & 15;
    insn->prefix = (enum prefix)(second & 3);
    insn->vector_bytes = insn->is_evex ? 16u << (third >> 5 & 3) : second & 4 ? 32 : 16;
    insn->opcode = next(insn);
    if ((insn->is_evex && ((first & 8) || !(second & 4))) || insn->has_66 || insn->is_repeated)
        insn->map = ONE_BYTE; /* no instruction, or one with registers that are not known here */
}

/* Reads prefixes, REX, VEX or EVEX, and the opcode with its map. */
static void read_opcode(struct insn *insn) {
    unsigned byte = next(insn);
    while (read_prefix(insn, byte))
        byte = next(insn);
    if ((byte & 0xf0) == 0x40) {
        read_rex(insn, byte);
        byte = next(insn);
    }
    insn->vector_bytes = 16;
    if (!insn->has_rex && (byte == 0xc4 || byte == 0xc5 || byte == 0x62)) {
        read_vex(insn, byte);
        return;
    }
    insn->map = ONE_BYTE;
    if (byte == 0x0f) {
        byte = next(insn);
        insn->map = byte == 0x38 ? MAP_0F38 : byte == 0x3a ? MAP_0F3A : MAP_0F;
        if (insn->map != MAP_0F)
            byte = next(insn);
    }
    insn->opcode = byte;
}

/* ---- operands -------------------------------------------------------------------------------- */

struct hak_operand *hak_decode_new_operand(const struct insn *insn, struct hak_decoded *out) {
    struct hak_operand *operand = &out->operands[out->count++];
    *operand = (struct hak_operand){.base = -1,
                                    .index = -1,
                                    .moved_by = -1,
                                    .scale = 1,
                                    .is_narrow = insn->has_67,
                                    .is_unknown = insn->has_segment};
    return operand;
}

/* Reads the SIB byte and the displacement of a memory operand; without base and SIB it is relative
 * to RIP. */
static void read_memory(struct insn *insn, struct hak_operand *operand) {
    unsigned base = insn->rm;
    if (insn->rm == RSP) {
        unsigned sib = next(insn), index = (sib >> 3 & 7) | insn->index_high;
        base = sib & 7;
        operand->scale = 1u << (sib >> 6);
        if (index != RSP)
            operand->index = hak_decode_register(index);
    }
    bool has_base = insn->mod != 0 || base != RBP;
    if (has_base)
        operand->base = hak_decode_register(base | insn->base_high);
    operand->is_of_rip = !has_base && insn->rm == RBP;
    insn->has_short_displacement = insn->mod == 1;
    if (insn->mod == 1)
        operand->displacement = (int64_t)(int8_t)number(insn, 1);
    else if (insn->mod == 2 || !has_base)
        operand->displacement = (int32_t)number(insn, 4);
}

/* Reads ModRM: its memory operand with SIB and displacement, or the register it names as `source`.
 */
static void read_modrm(struct insn *insn, struct hak_decoded *out) {
    unsigned modrm = next(insn);
    insn->has_modrm = true;
    out->modrm_at = (unsigned)(insn->at - 1 - insn->start);
    insn->mod = modrm >> 6;
    insn->reg = modrm >> 3 & 7;
    insn->rm = modrm & 7;
    if (insn->mod != 3)
        read_memory(insn, hak_decode_new_operand(insn, out));
    else
        out->source = hak_decode_register(insn->rm | insn->base_high);
}

/* How many bytes of immediate value follow opcode, ModRM and displacement. */
static unsigned immediate_bytes(const struct insn *insn) {
    unsigned whole = insn->has_66 && !insn->is_wide ? 2 : 4;
    switch (insn->cell.behind) {
    case 'b':
    case '1':
        return 1;
    case '2':
        return 2;
    case '3':
        return 3;
    case 'z':
    case '4':
        return whole;
    case '8':
        return insn->is_wide ? 8 : whole;
    case 'r':
        return 4;
    case 't':
        return insn->reg >= 2 ? 0 : insn->opcode & 1 ? whole : 1;
    default:
        return 0;
    }
}

/* Reads what stands behind the opcode: ModRM, or an absolute address (moffs), then the immediate.
 */
static void read_operands(struct insn *insn, struct hak_decoded *out) {
    char behind = insn->cell.behind;
    if (behind == 'm' || behind == 'b' || behind == 'z' || behind == 't')
        read_modrm(insn, out);
    if (behind == 'o')
        hak_decode_new_operand(insn, out)->displacement =
            (int64_t)number(insn, insn->has_67 ? 4 : 8);
    out->immediate = immediate_bytes(insn);
    (void)number(insn, out->immediate);
}

bool hak_decode(const uint8_t *code, size_t count, struct hak_decoded *decoded) {
    size_t most = count < HAK_DECODE_LONGEST ? count : HAK_DECODE_LONGEST;
    struct insn insn = {.start = code, .at = code, .end = code + most};
    *decoded = (struct hak_decoded){.loaded = -1, .loaded_second = -1, .source = -1};
    read_opcode(&insn);
    insn.cell = hak_decode_cell(&insn);
    if (insn.is_short || insn.cell.way == 'X')
        return false;
    read_operands(&insn, decoded);
    bool is_xop =
        insn.map == ONE_BYTE && insn.opcode == 0x8f && insn.reg != 0; /* of no processor now */
    if (insn.is_short || is_xop) {
        decoded->count = 0;
        return false;
    }
    decoded->length = (unsigned)(insn.at - code);
    hak_decode_effects(&insn, decoded);
    return true;
}

enum { NOTED_BYTES = 128, NOTED_WORD_BITS = 64 };

/* The bytes from which a way has led on: whoever comes there goes the same way to its end. */
struct ways {
    uint64_t gone[NOTED_BYTES / NOTED_WORD_BITS];
};

/* True the first time for each byte, as far as they are noted. */
static bool is_first_there(struct ways *ways, size_t at) {
    if (at >= NOTED_BYTES)
        return true;
    uint64_t bit = (uint64_t)1 << at % NOTED_WORD_BITS, *word = &ways->gone[at / NOTED_WORD_BITS];
    bool is_first = (*word & bit) == 0;
    *word |= bit;
    return is_first;
}

/* The length of the last instruction of the way that begins at `from`; 0 = none leads to the end of
 * the `count` bytes, or it is another's. */
static unsigned last_on_the_way(struct ways *ways, const uint8_t *code, size_t from, size_t count) {
    struct hak_decoded decoded = {.length = 0};
    for (; from < count; from += decoded.length)
        if (!is_first_there(ways, from) || !hak_decode(code + from, count - from, &decoded))
            return 0;
    return decoded.length;
}

uint32_t hak_decode_lengths(const uint8_t *code, size_t count) {
    struct ways ways = {0};
    uint32_t lengths = 0;
    for (size_t from = 0; from < HAK_DECODE_LONGEST && from < count; from++)
        lengths |= 1u << last_on_the_way(&ways, code, from, count);
    return lengths & ~1u;
}
