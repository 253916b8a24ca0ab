/* Tells what an instruction does with its operands, by the cell of its opcode. */
#include "decode/insn.h"

enum { VECTOR = 64, STACK_BYTES = 8 };

static uint32_t bit_of(unsigned number) {
    return 1u << hak_decode_register(number);
}

/* ---- widths ---------------------------------------------------------------------------------- */

static unsigned integer_bytes(const struct insn *insn) {
    return insn->is_wide ? 8 : insn->has_66 ? 2 : 4;
}

/* How many bytes an operand has, by the table's letter for its width; 0 where the table does not
 * tell. */
static unsigned width_of(const struct insn *insn, char width) {
    unsigned all = insn->vector_bytes, wide = insn->is_wide ? 8 : 4;
    unsigned number = insn->prefix == PREFIX_F3 ? 4 : 8;
    switch (width) {
    case '1':
    case '2':
    case '4':
    case '8':
        return (unsigned)(width - '0');
    case 't':
        return 10;
    case 'v':
        return integer_bytes(insn);
    case 'd':
        return wide;
    case 'z':
        return 2 * wide;
    case 'k':
        return (insn->is_wide ? 4u : 1u) << (insn->prefix == NO_PREFIX);
    case 'y':
        return 32;
    case 'x':
        return insn->prefix == NO_PREFIX ? 8 : 16;
    case 'h':
        return all / 2;
    case 'f':
        return all / 4;
    case 'e':
        return all / 8;
    case 's':
        return insn->prefix == PREFIX_66 ? 8 : 4;
    case 'm':
    case 'n':
        return insn->prefix == NO_PREFIX ? 8 : all;
    case 'i':
        return insn->prefix == PREFIX_66 ? 16 : number;
    case 'c':
        if (insn->prefix == NO_PREFIX)
            return all / 2;
        return insn->prefix == PREFIX_66 ? all : number;
    case 'p':
        return insn->prefix <= PREFIX_66 ? all : number;
    case 'a':
        return all;
    default:
        return 0;
    }
}

/* Sets the operand's size, and whether it is exact; EVEX scales a displacement of one byte by
 * it. */
static void set_width(const struct insn *insn, struct hak_operand *operand, char width) {
    unsigned bytes = width_of(insn, width);
    if (bytes && insn->is_broadcast)
        bytes = insn->is_wide ? 8 : 4;
    operand->is_exact = bytes && !insn->is_masked && !(width == 'n' && insn->prefix == NO_PREFIX);
    operand->bytes = bytes ? bytes : VECTOR;
    /* A displacement of one byte is a multiple of what it takes. */
    if (insn->is_evex && insn->has_short_displacement) {
        operand->displacement *= bytes;
        operand->is_unknown |= bytes == 0;
    }
}

/* ---- operands besides that of ModRM ---------------------------------------------------------- */

/* Adds a memory operand at register `base`, which the instruction moves by `moves` bytes. */
static struct hak_operand *add_operand(const struct insn *insn, struct hak_decoded *out,
                                       unsigned base, unsigned bytes, int moves) {
    struct hak_operand *operand = hak_decode_new_operand(insn, out);
    operand->is_exact = true;
    operand->bytes = bytes;
    operand->base = hak_decode_register(base);
    operand->moves = moves;
    out->changed |= moves ? bit_of(base) : 0;
    return operand;
}

/* Adds the word at RSP, which the instruction moves by `moves` bytes. */
static struct hak_operand *add_stack(const struct insn *insn, struct hak_decoded *out, int moves) {
    struct hak_operand *operand = add_operand(insn, out, RSP, STACK_BYTES, moves);
    operand->is_narrow = false;
    operand->is_unknown = insn->has_66; /* two bytes, or no such instruction */
    return operand;
}

/* Notes that the instruction writes the word below RSP, and that RSP moves there. */
static void push(const struct insn *insn, struct hak_decoded *out) {
    struct hak_operand *operand = add_stack(insn, out, -STACK_BYTES);
    operand->writes = true;
    operand->displacement = -STACK_BYTES;
}

static void pop(const struct insn *insn, struct hak_decoded *out) {
    add_stack(insn, out, STACK_BYTES)->reads = true;
}

/* Adds the effects of pop: into memory its address is by rsp as it is afterwards; into a register,
 * that may be rsp. */
static void pop_operand(const struct insn *insn, struct hak_decoded *out) {
    struct hak_operand *into = out->operands;
    bool has_operand = out->count > 0;
    if (has_operand) {
        into->writes = true;
        into->is_unknown |= into->base == hak_decode_register(RSP) || insn->has_66;
    }
    pop(insn, out);
    bool is_of_register = insn->map == ONE_BYTE && (insn->opcode & 0xf8) == 0x58;
    unsigned to = (insn->opcode & 7) | insn->base_high;
    if (is_of_register && to == RSP)
        out->operands->moves = 0;
    else if (is_of_register)
        out->changed |= bit_of(to);
}

/* Adds the operands of lods, scas, movs, cmps (read) and stos (written), with their step. */
static void string(const struct insn *insn, struct hak_decoded *out, unsigned bytes) {
    unsigned what = insn->opcode & 0xfe;
    bool is_move = what == 0xa4, is_compare = what == 0xa6;
    if (is_move || is_compare || what == 0xac)
        add_operand(insn, out, RSI, bytes, (int)bytes)->reads = true;
    if (what != 0xac) {
        struct hak_operand *operand = add_operand(insn, out, RDI, bytes, (int)bytes);
        operand->writes = is_move || what == 0xaa;
        operand->reads = !operand->writes;
        operand->is_unknown = false; /* its segment is always the same */
    }
    out->is_string = true;
    out->is_repeated = insn->is_repeated;
}

/* ---- what becomes of the operand ------------------------------------------------------------- */

/* Notes the register that a load changes, and that it gets the loaded value; ah, ch, dh and bh are
 * no first byte of one. */
static void load(const struct insn *insn, struct hak_decoded *out) {
    bool is_second_byte =
        insn->map == ONE_BYTE && insn->opcode == 0x8a && !insn->has_rex && insn->reg >= 4;
    unsigned to = is_second_byte ? insn->reg & 3 : insn->reg | insn->reg_high;
    out->changed |= bit_of(to);
    if (!is_second_byte && out->count > 0)
        out->loaded = hak_decode_register(to);
}

/* Notes which registers an instruction without memory changes, also the one whose second byte it
 * may be. */
static void change(const struct insn *insn, struct hak_decoded *out) {
    out->changed |= bit_of(insn->reg | insn->reg_high);
    if (insn->cell.width == '1' && !insn->has_rex)
        out->changed |= bit_of(insn->reg & 3);
    if (insn->map == MAP_0F38 && insn->is_vex) /* blsr, mulx */
        out->changed |= bit_of(insn->second);
}

/* The way of group 5: inc, dec, call, far call, jmp, far jmp, push; adds the word that a call or
 * push writes. */
static char group_5(const struct insn *insn, struct hak_decoded *out, struct cell *cell) {
    out->is_jump = insn->reg >= 2 && insn->reg <= 5;
    if (insn->reg < 2)
        return 'b';
    cell->width = '8';
    if (insn->reg == 2 || insn->reg == 6)
        push(insn, out);
    return insn->reg == 3 || insn->reg == 5 || insn->reg == 7 || insn->has_66 ? '?' : 'r';
}

/* How fxsave, ldmxcsr, stmxcsr, xsave, clflush and others use memory, by their ModRM; sets the
 * width. */
static char group_15(const struct insn *insn, struct cell *cell) {
    bool is_plain = insn->prefix == NO_PREFIX;
    cell->width = '4';
    if (insn->reg == 7 || (insn->reg == 6 && insn->prefix == PREFIX_66))
        return '.';
    return is_plain && insn->reg == 2 ? 'r' : is_plain && insn->reg == 3 ? 'w' : '?';
}

/* How an instruction of an opcode group, whose operation ModRM's reg field chooses, uses memory:
 * 'r', 'w', 'b' (both), '.' or '?'. Adds the registers it changes, the word it pushes, and sets the
 * cell's width. */
static char group(const struct insn *insn, struct hak_decoded *out, struct cell *cell) {
    unsigned what = insn->reg;
    if (insn->map == MAP_0F && insn->opcode == 0xae)
        return group_15(insn, cell);
    if (insn->map == MAP_0F && insn->opcode == 0xc7) { /* cmpxchg8b, cmpxchg16b */
        out->changed |= what == 1 ? bit_of(RAX) | bit_of(RDX) : 0;
        return what == 1 ? 'b' : '?';
    }
    if (insn->map == MAP_0F) /* bt, bts, btr, btc */
        return what == 4 ? 'r' : 'b';
    if (insn->opcode < 0x84) /* cmp alone does not write */
        return what == 7 ? 'r' : 'b';
    if (insn->opcode >= 0xfe)
        return group_5(insn, out, cell);
    if (what >= 4) /* group 3: mul, imul, div, idiv */
        out->changed |= bit_of(RAX) | bit_of(RDX);
    out->is_division = what >= 6 && insn->opcode == 0xf7 && integer_bytes(insn) >= 4;
    return what == 2 || what == 3 ? 'b' : 'r';
}

/* Whether the operand is that of movups, movdqu and their like, which need no alignment. */
static bool is_loose(const struct insn *insn, const struct hak_operand *operand) {
    return operand->is_exact && insn->map == MAP_0F &&
           ((insn->opcode == 0x10 && insn->prefix <= PREFIX_66) ||
            (insn->opcode == 0x6f && insn->prefix > PREFIX_66));
}

/* Notes which registers the instruction changes, by its cell's `way`; some change RAX or RCX
 * besides. */
static void change_by(const struct insn *insn, struct hak_decoded *out, char way) {
    if (way == 'l')
        load(insn, out);
    if (way == 'g' || way == 'x')
        change(insn, out);
    if (way == 'x' && insn->map == MAP_0F) /* cmpxchg */
        out->changed |= bit_of(RAX);
    if (insn->map == MAP_0F3A && (insn->opcode & 0xfd) == 0x61) /* pcmpestri, pcmpistri */
        out->changed |= bit_of(RCX);
}

/* Fills in an operand's width and whether it is read or written, by the table's cell. */
static void use_operand(const struct insn *insn, struct hak_operand *operand, struct cell cell) {
    set_width(insn, operand, cell.way == '?' ? '?' : cell.width);
    operand->writes = cell.way == 'w' || cell.way == 'b' || cell.way == 'x';
    operand->reads = cell.way != 'w';
    operand->is_unknown |= cell.way == '?' || cell.way == 'v';
    if (cell.way == 'v')
        operand->index = -1;
}

void hak_decode_effects(const struct insn *insn, struct hak_decoded *out) {
    struct cell cell = insn->cell;
    bool has_operand = out->count > 0;
    if (cell.way == 'F')
        cell = hak_decode_x87_cell(insn);
    if (cell.way == 'G')
        cell.way = group(insn, out, &cell);
    out->is_jump |= cell.way == 'j' || cell.way == 'c' || cell.way == 'q';
    switch (cell.way) {
    case '.':
    case 'j':
        break;
    case 'u':
    case 'c':
        push(insn, out);
        break;
    case 'o':
        if (has_operand)
            set_width(insn, out->operands, cell.width);
        pop_operand(insn, out);
        break;
    case 'q':
        pop(insn, out);
        break;
    case 's':
        string(insn, out, width_of(insn, cell.width));
        break;
    case 'y':
        add_operand(insn, out, RBX, 1, 0)->index = hak_decode_register(RAX);
        out->operands->reads = out->operands->is_unknown = true; /* al alone counts */
        out->changed |= bit_of(RAX);
        break;
    default:
        change_by(insn, out, cell.way);
        if (has_operand)
            use_operand(insn, out->operands, cell);
        out->is_loose = has_operand && is_loose(insn, out->operands);
        hak_decode_aligned(insn, out);
    }
}
