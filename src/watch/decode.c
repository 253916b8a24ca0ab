/* Decodes one instruction of x86-64 as far as decode.h says (Intel's Software Developer's Manual,
 * volume 2: chapter 2 the format, appendix A the maps of opcodes). */
#include "watch/decode.h"

#include <string.h>

/* By the processor's numbers. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };
enum map { ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_5 = 5, MAP_6 };
enum prefix { NO_PREFIX, PREFIX_66, PREFIX_F3, PREFIX_F2 }; /* as VEX numbers them */

/* The bytes behind an opcode: m ModRM; b, z ModRM and 1 byte, or 4 (2 with 66); 1, 2 so many bytes;
 * 4 four (2 with 66); 8 as many as the operand has; e three; o an address; 3 as group 3; r a jump's
 * four; . nothing; x no instruction of 64-bit mode, or a prefix. */
static const char one_byte_map[] = "mmmm14xxmmmm14xx"  /* 00 */
                                   "mmmm14xxmmmm14xx"  /* 10 */
                                   "mmmm14xxmmmm14xx"  /* 20 */
                                   "mmmm14xxmmmm14xx"  /* 30 */
                                   "xxxxxxxxxxxxxxxx"  /* 40 */
                                   "................"  /* 50 */
                                   "xxxmxxxx4z1b...."  /* 60 */
                                   "1111111111111111"  /* 70 */
                                   "bzxbmmmmmmmmmmmm"  /* 80 */
                                   "..........x....."  /* 90 */
                                   "oooo....14......"  /* a0 */
                                   "1111111188888888"  /* b0 */
                                   "bb2.xxbze.2..1x."  /* c0 */
                                   "mmmmxxx.mmmmmmmm"  /* d0 */
                                   "11111111rrx1...."  /* e0 */
                                   "x.xx..33......mm"; /* f0 */
static const char two_byte_map[] = "mmmmx.....x.xm.b"  /* 0f 00 */
                                   "mmmmmmmmmmmmmmmm"  /* 10 */
                                   "mmmmxxxxmmmmmmmm"  /* 20 */
                                   "......x.xxxxxxxx"  /* 30 */
                                   "mmmmmmmmmmmmmmmm"  /* 40 */
                                   "mmmmmmmmmmmmmmmm"  /* 50 */
                                   "mmmmmmmmmmmmmmmm"  /* 60 */
                                   "bbbbmmm.mmmmmmmm"  /* 70 */
                                   "rrrrrrrrrrrrrrrr"  /* 80 */
                                   "mmmmmmmmmmmmmmmm"  /* 90 */
                                   "...mbmxx..xmbmmm"  /* a0 */
                                   "mmmmmmmmmmbmmmmm"  /* b0 */
                                   "mmbmbbbm........"  /* c0 */
                                   "mmmmmmmmmmmmmmmm"  /* d0 */
                                   "mmmmmmmmmmmmmmmm"  /* e0 */
                                   "mmmmmmmmmmmmmmmm"; /* f0 */

struct insn {
    const uint8_t *at, *start, *end;
    bool is_short; /* it goes on behind the end */
    bool has_66, has_67, has_segment, has_rex, is_wide, is_vex, is_evex;
    bool is_repeated;
    enum prefix prefix;
    unsigned reg_high, index_high, base_high; /* 8: the upper half of the registers */
    unsigned second;                          /* VEX's third register */
    unsigned vector_bytes;
    enum map map;
    unsigned opcode, mod, reg, rm;
    bool has_modrm, has_short_displacement;
};

static int dwarf_of(unsigned number) {
    static const uint8_t dwarf[] = {
        [RAX] = 0, [RCX] = 2, [RDX] = 1, [RBX] = 3, [RSP] = 7, [RBP] = 6, [RSI] = 4, [RDI] = 5};
    return number < 8 ? dwarf[number] : (int)number;
}

static uint32_t bit_of(unsigned number) {
    return 1u << dwarf_of(number);
}

static unsigned next(struct insn *insn) {
    if (insn->at < insn->end)
        return *insn->at++;
    insn->is_short = true;
    return 0;
}

static uint64_t number(struct insn *insn, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)next(insn) << 8 * i;
    return value;
}

/* ---- prefixes -------------------------------------------------------------------------------- */

/* False: the byte is none. Of f2 and f3 the last one counts, and before 66. */
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

static void read_rex(struct insn *insn, unsigned rex) {
    insn->has_rex = true;
    insn->is_wide = (rex & 8) != 0;
    insn->reg_high = rex & 4 ? 8 : 0;
    insn->index_high = rex & 2 ? 8 : 0;
    insn->base_high = rex & 1 ? 8 : 0;
}

/* R, X and B stand in them turned over. */
static void read_vex(struct insn *insn, unsigned kind) {
    unsigned first = next(insn), second = kind == 0xc5 ? first : next(insn), third = 0;
    if (kind == 0x62)
        third = next(insn);
    insn->is_vex = true;
    insn->is_evex = kind == 0x62;
    insn->reg_high = first & 0x80 ? 0 : 8;
    insn->index_high = kind == 0xc5 || first & 0x40 ? 0 : 8;
    insn->base_high = kind == 0xc5 || first & 0x20 ? 0 : 8;
    insn->map = kind == 0xc5 ? MAP_0F : (enum map)(first & (insn->is_evex ? 7 : 31));
    insn->is_wide = kind != 0xc5 && (second & 0x80) != 0;
    insn->second = ~second >> 3 & 15;
    insn->prefix = (enum prefix)(second & 3);
    insn->vector_bytes = insn->is_evex ? 16u << (third >> 5 & 3) : second & 4 ? 32 : 16;
    insn->opcode = next(insn);
}

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

static void read_memory(struct insn *insn, struct hak_decoded *out) {
    unsigned base = insn->rm;
    if (insn->rm == RSP) {
        unsigned sib = next(insn), index = (sib >> 3 & 7) | insn->index_high;
        base = sib & 7;
        out->scale = 1u << (sib >> 6);
        if (index != RSP)
            out->index = dwarf_of(index);
    }
    bool has_base = insn->mod != 0 || base != RBP;
    if (has_base)
        out->base = dwarf_of(base | insn->base_high);
    out->is_of_rip = !has_base && insn->rm == RBP;
    insn->has_short_displacement = insn->mod == 1;
    if (insn->mod == 1)
        out->displacement = ((int64_t)number(insn, 1) ^ 0x80) - 0x80; /* a signed byte */
    else if (insn->mod == 2 || !has_base)
        out->displacement = (int32_t)number(insn, 4);
}

static void read_modrm(struct insn *insn, struct hak_decoded *out) {
    unsigned modrm = next(insn);
    insn->has_modrm = true;
    insn->mod = modrm >> 6;
    insn->reg = modrm >> 3 & 7;
    insn->rm = modrm & 7;
    if (insn->mod != 3)
        read_memory(insn, out);
}

static char form_of(const struct insn *insn) {
    switch (insn->map) {
    case ONE_BYTE:
        return insn->is_vex ? 'x' : one_byte_map[insn->opcode];
    case MAP_0F:
        return two_byte_map[insn->opcode];
    case MAP_0F38:
        return 'm';
    case MAP_0F3A:
        return 'b';
    default:
        return insn->is_evex && (insn->map == MAP_5 || insn->map == MAP_6) ? 'm' : 'x';
    }
}

static bool read_operands(struct insn *insn, struct hak_decoded *out) {
    char form = form_of(insn);
    unsigned whole = insn->has_66 && !insn->is_wide ? 2 : 4;
    if (form == 'x')
        return false;
    if (strchr("mbz3", form))
        read_modrm(insn, out);
    switch (form) {
    case 'b':
    case '1':
        (void)number(insn, 1);
        break;
    case '2':
        (void)number(insn, 2);
        break;
    case 'z':
    case '4':
        (void)number(insn, whole);
        break;
    case '8':
        (void)number(insn, insn->is_wide ? 8 : whole);
        break;
    case 'r':
        (void)number(insn, 4);
        break;
    case 'e':
        (void)number(insn, 3);
        break;
    case 'o':
        out->displacement = (int64_t)number(insn, insn->has_67 ? 4 : 8);
        break;
    case '3':
        if (insn->reg < 2)
            (void)number(insn, insn->opcode & 1 ? whole : 1);
        break;
    default:
        break;
    }
    return true;
}

/* ---- what it does ---------------------------------------------------------------------------- */

static void set_access(struct hak_decoded *out, bool reads, bool writes, unsigned bytes) {
    out->reads = reads;
    out->writes = writes;
    out->bytes = bytes;
    out->is_scalar = bytes <= 8;
    out->is_whole = true;
}

static void reads(struct hak_decoded *out, unsigned bytes) {
    set_access(out, true, false, bytes);
}

/* Of a width that is not told: as wide as any. */
static void touches(struct hak_decoded *out) {
    set_access(out, true, false, 64);
    out->is_whole = false;
}

static unsigned reg_of(const struct insn *insn) {
    return insn->reg | insn->reg_high;
}

static void changes(struct hak_decoded *out, const struct insn *insn) {
    out->changed |= bit_of(reg_of(insn));
}

/* ah, ch, dh and bh are no first byte of a register. */
static void loads(struct hak_decoded *out, const struct insn *insn, unsigned bytes,
                  bool is_of_bytes) {
    bool is_second_byte = is_of_bytes && !insn->has_rex && insn->reg >= 4;
    unsigned to = is_second_byte ? insn->reg & 3 : reg_of(insn);
    reads(out, bytes);
    out->changed |= bit_of(to);
    if (!is_second_byte)
        out->loaded = dwarf_of(to);
}

static unsigned operand_bytes(const struct insn *insn) {
    return insn->is_wide ? 8 : insn->has_66 ? 2 : 4;
}

/* add, or, adc, sbb, and, sub, xor, cmp */
static void arithmetic(const struct insn *insn, struct hak_decoded *out, unsigned what,
                       unsigned bytes, bool is_to_memory) {
    set_access(out, true, is_to_memory && what != 7, bytes);
    if (!is_to_memory && what != 7)
        out->changed |= bytes == 1 && !insn->has_rex ? bit_of(insn->reg & 3) | bit_of(insn->reg)
                                                     : bit_of(reg_of(insn));
}

static void x87(const struct insn *insn, struct hak_decoded *out) {
    static const uint8_t read_bytes[8][8] = {{4, 4, 4, 4, 4, 4, 4, 4}, {4, 0, 0, 0, 64, 2, 0, 0},
                                             {4, 4, 4, 4, 4, 4, 4, 4}, {4, 0, 0, 0, 0, 10, 0, 0},
                                             {8, 8, 8, 8, 8, 8, 8, 8}, {8, 0, 0, 0, 64, 0, 0, 0},
                                             {2, 2, 2, 2, 2, 2, 2, 2}, {2, 0, 0, 0, 10, 8, 0, 0}};
    unsigned bytes = read_bytes[insn->opcode & 7][insn->reg];
    if (bytes == 64)
        touches(out);
    else if (bytes)
        reads(out, bytes);
    else
        set_access(out, false, true, 10);
}

static void group_3(const struct insn *insn, struct hak_decoded *out, unsigned bytes) {
    set_access(out, true, insn->reg == 2 || insn->reg == 3, bytes);
    if (insn->reg >= 4)
        out->changed |= bit_of(RAX) | bit_of(RDX);
}

/* inc, dec, push; the others jump and call: nobody stands behind them. */
static void group_5(const struct insn *insn, struct hak_decoded *out, unsigned bytes) {
    if (insn->reg < 2)
        set_access(out, true, true, bytes);
    if (insn->reg == 6) {
        reads(out, 8);
        out->changed |= bit_of(RSP);
    }
}

/* Of the one-byte map, with a memory operand. */
static void do_one_byte(const struct insn *insn, struct hak_decoded *out) {
    unsigned opcode = insn->opcode, bytes = opcode & 1 ? operand_bytes(insn) : 1;
    if (opcode < 0x40) {
        arithmetic(insn, out, opcode >> 3, bytes, (opcode & 2) == 0);
        return;
    }
    switch (opcode) {
    case 0x63:
        loads(out, insn, 4, false);
        return;
    case 0x69:
    case 0x6b:
        reads(out, operand_bytes(insn));
        changes(out, insn);
        return;
    case 0x80:
    case 0x81:
    case 0x83:
        arithmetic(insn, out, insn->reg, opcode == 0x80 ? 1 : operand_bytes(insn), true);
        return;
    case 0x84:
    case 0x85:
        reads(out, bytes);
        return;
    case 0x86:
    case 0x87:
        set_access(out, true, true, bytes);
        out->changed |= bit_of(reg_of(insn)) | bit_of(insn->reg & 3);
        return;
    case 0x88:
    case 0x89:
    case 0xc6:
    case 0xc7:
        set_access(out, false, true, bytes);
        return;
    case 0x8a:
    case 0x8b:
        loads(out, insn, bytes, opcode == 0x8a);
        return;
    case 0x8c:
        set_access(out, false, true, 8);
        return;
    case 0x8d: /* lea */
        return;
    case 0x8e:
        reads(out, 2);
        return;
    case 0x8f:
        set_access(out, false, true, 8);
        out->changed |= bit_of(RSP);
        return;
    case 0xc0:
    case 0xc1:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        set_access(out, true, true, bytes);
        return;
    case 0xf6:
    case 0xf7:
        group_3(insn, out, bytes);
        return;
    case 0xfe:
    case 0xff:
        group_5(insn, out, bytes);
        return;
    default:
        x87(insn, out);
    }
}

/* Instructions of SSE and AVX that take one number, 4 or 8 bytes by the prefix; else all of the
 * vector. */
static void numbers(const struct insn *insn, struct hak_decoded *out) {
    reads(out, insn->prefix == PREFIX_F3 ? 4 : insn->prefix == PREFIX_F2 ? 8 : insn->vector_bytes);
}

/* Of the map 0f; 0 bytes: what is not one of SSE's. */
static bool do_vector(const struct insn *insn, struct hak_decoded *out) {
    unsigned opcode = insn->opcode, all = insn->vector_bytes, wide = insn->is_wide ? 8 : 4;
    bool is_half = insn->prefix == NO_PREFIX || insn->prefix == PREFIX_66;
    out->is_loose = (opcode == 0x10 && is_half) ||
                    (opcode == 0x6f && insn->prefix != PREFIX_66 && insn->prefix != NO_PREFIX);
    switch (opcode) {
    case 0x10:
    case 0x51:
    case 0x52:
    case 0x53:
    case 0x58:
    case 0x59:
    case 0x5c:
    case 0x5d:
    case 0x5e:
    case 0x5f:
    case 0xc2:
        numbers(insn, out);
        return true;
    case 0x11:
    case 0x13:
    case 0x17:
    case 0x29:
    case 0x2b:
    case 0x7f:
    case 0xd6:
    case 0xe7:
        set_access(out, false, true, all);
        return true;
    case 0x12:
    case 0x16:
        reads(out, is_half ? 8 : all);
        out->is_whole = is_half;
        return true;
    case 0x2a:
        reads(out, is_half ? 16 : wide);
        return true;
    case 0x2c:
    case 0x2d:
        numbers(insn, out);
        changes(out, insn);
        return true;
    case 0x2e:
    case 0x2f:
        reads(out, insn->prefix == PREFIX_66 ? 8 : 4);
        return true;
    case 0x5a:
    case 0xe6:
        reads(out, insn->prefix == PREFIX_F3   ? (opcode == 0x5a ? 4 : 16)
                   : insn->prefix == PREFIX_F2 ? (opcode == 0x5a ? 8 : 64)
                                               : all);
        out->is_whole = out->is_scalar;
        return true;
    case 0x6e:
        reads(out, wide);
        return true;
    case 0x7e:
        if (insn->prefix == PREFIX_F3)
            reads(out, 8);
        else
            set_access(out, false, true, 8);
        return true;
    case 0x6f:
    case 0x28:
        reads(out, all);
        return true;
    case 0xc4:
        reads(out, 2);
        return true;
    default:
        break;
    }
    bool is_vector = opcode == 0x14 || opcode == 0x15 || (opcode >= 0x54 && opcode <= 0x76) ||
                     opcode == 0x7c || opcode == 0x7d || opcode >= 0xd0;
    if (is_vector)
        touches(out);
    return is_vector;
}

/* Of the map 0f, not of SSE's. */
static void do_two_bytes(const struct insn *insn, struct hak_decoded *out) {
    unsigned opcode = insn->opcode, bytes = operand_bytes(insn);
    if ((opcode & 0xf0) == 0x40) { /* cmov: the register may stay what it was */
        reads(out, bytes);
        changes(out, insn);
        return;
    }
    if ((opcode & 0xf0) == 0x90) {
        set_access(out, false, true, 1);
        return;
    }
    switch (opcode) {
    case 0x0d: /* prefetch, nop */
    case 0x18:
    case 0x19:
    case 0x1a:
    case 0x1b:
    case 0x1c:
    case 0x1d:
    case 0x1e:
    case 0x1f:
        return;
    case 0xa4:
    case 0xa5:
    case 0xac:
    case 0xad:
        set_access(out, true, true, bytes);
        return;
    case 0xaf:
    case 0xb8:
    case 0xbc:
    case 0xbd:
        reads(out, bytes);
        changes(out, insn);
        return;
    case 0xb0:
    case 0xb1:
    case 0xc0:
    case 0xc1:
        set_access(out, true, true, opcode & 1 ? bytes : 1);
        out->changed |= bit_of(RAX) | bit_of(reg_of(insn)) | bit_of(insn->reg & 3);
        return;
    case 0xb6:
    case 0xbe:
        loads(out, insn, 1, false);
        return;
    case 0xb7:
    case 0xbf:
        loads(out, insn, 2, false);
        return;
    case 0xba:
        set_access(out, true, insn->reg != 4, bytes);
        return;
    case 0xc3:
        set_access(out, false, true, bytes);
        return;
    default: /* also the bit that a register numbers, which lies anywhere */
        touches(out);
        out->is_unknown = true;
    }
}

/* Of the maps 0f38 and 0f3a. */
static void do_later(const struct insn *insn, struct hak_decoded *out) {
    unsigned opcode = insn->opcode, wide = insn->is_wide ? 8 : 4;
    bool is_later = insn->map == MAP_0F3A;
    if (!is_later && opcode >= 0xf0) { /* movbe, crc32, adcx; with VEX BMI */
        unsigned bytes = insn->is_vex || opcode == 0xf6                ? wide
                         : insn->prefix == PREFIX_F2 && opcode == 0xf0 ? 1
                                                                       : operand_bytes(insn);
        set_access(out, true, !insn->is_vex && opcode == 0xf1 && insn->prefix != PREFIX_F2, bytes);
        changes(out, insn);
        out->changed |= insn->is_vex ? bit_of(insn->second) : 0;
        return;
    }
    if (is_later && opcode == 0xf0) { /* rorx */
        reads(out, wide);
        changes(out, insn);
        return;
    }
    if (is_later && ((opcode >= 0x14 && opcode <= 0x17) || opcode == 0x19 || opcode == 0x39 ||
                     opcode == 0x1d)) {
        set_access(out, false, true, insn->vector_bytes);
        return;
    }
    /* vgather takes its index from a vector. */
    touches(out);
    out->is_unknown = !is_later && opcode >= 0x90 && opcode <= 0x93;
}

/* lods, scas, movs, cmps; stos writes. The one that reads by rsi and rdi is known by both. */
static void do_string(const struct insn *insn, struct hak_decoded *out) {
    unsigned what = insn->opcode & 0xfe, bytes = insn->opcode & 1 ? operand_bytes(insn) : 1;
    bool has_source = what == 0xa4 || what == 0xa6 || what == 0xac;
    set_access(out, what != 0xaa, what == 0xaa, bytes);
    out->base = dwarf_of(has_source ? RSI : RDI);
    out->index = what == 0xa6 ? dwarf_of(RDI) : -1;
    out->is_string = true;
    out->is_repeated = insn->is_repeated;
    out->changed = bit_of(RSI) | bit_of(RDI);
}

static bool is_string(unsigned opcode) {
    return (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf);
}

/* Without ModRM. */
static void do_fixed(const struct insn *insn, struct hak_decoded *out) {
    unsigned opcode = insn->opcode;
    if (insn->map != ONE_BYTE)
        return;
    if (is_string(opcode)) {
        do_string(insn, out);
    } else if ((opcode & 0xfc) == 0xa0) { /* mov by the whole address */
        set_access(out, opcode < 0xa2, opcode >= 0xa2, opcode & 1 ? operand_bytes(insn) : 1);
    } else if ((opcode & 0xf8) == 0x58) { /* pop: from where rsp was */
        reads(out, 8);
        out->base = dwarf_of(RSP);
        out->displacement = -8;
        out->is_unknown = ((opcode & 7) | insn->base_high) == RSP;
    } else if (opcode == 0xd7) { /* xlat */
        reads(out, 1);
        out->is_unknown = true;
    }
}

static void do_memory(const struct insn *insn, struct hak_decoded *out) {
    if (insn->is_evex) { /* which displacements are multiples of what it takes is not looked at */
        bool is_move = insn->map == MAP_0F && (insn->opcode == 0x6f || insn->opcode == 0x28 ||
                                               (insn->opcode == 0x10 && insn->prefix < PREFIX_F3));
        reads(out, insn->vector_bytes);
        if (is_move && insn->has_short_displacement)
            out->displacement *= insn->vector_bytes;
        out->is_unknown = !is_move && insn->has_short_displacement;
        out->is_whole = is_move;
        out->is_loose = is_move && (insn->opcode == 0x10 ||
                                    (insn->opcode == 0x6f && insn->prefix != PREFIX_66));
        return;
    }
    switch (insn->map) {
    case ONE_BYTE:
        do_one_byte(insn, out);
        break;
    case MAP_0F:
        if (!do_vector(insn, out))
            do_two_bytes(insn, out);
        break;
    default:
        do_later(insn, out);
    }
}

bool hak_decode(const uint8_t *code, size_t count, struct hak_decoded *decoded) {
    size_t most = count < HAK_DECODE_LONGEST ? count : HAK_DECODE_LONGEST;
    struct insn insn = {.at = code, .start = code, .end = code + most};
    *decoded = (struct hak_decoded){.base = -1, .index = -1, .scale = 1, .loaded = -1};
    read_opcode(&insn);
    if (insn.is_short || !read_operands(&insn, decoded) || insn.is_short)
        return false;
    if (insn.map == ONE_BYTE && insn.opcode == 0x8f && insn.reg != 0) /* XOP, of no processor now */
        return false;
    decoded->length = (unsigned)(insn.at - code);
    decoded->is_narrow = insn.has_67;
    if (insn.has_modrm && insn.mod != 3)
        do_memory(&insn, decoded);
    if (!insn.has_modrm)
        do_fixed(&insn, decoded);
    decoded->is_unknown |= insn.has_segment;
    return true;
}
