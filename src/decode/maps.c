/* Lists the maps of opcodes (Intel's Software Developer's Manual, volume 2, appendix A): a cell of
 * three letters for each. */
#include "decode/insn.h"

enum { CELL = 4, OPCODES = 256, X87_CELLS = 64 };

/* Eight, or sixteen times the same. */
#define FEW(cell) cell cell cell cell cell cell cell cell
#define ROW(cell) FEW(cell) FEW(cell)

/* clang-format off */
/* The first letter is what becomes of the operand:
 *   .  nothing       r  read        w  written      b  both
 *   g  read, and the register of ModRM is changed   l  loaded into that register
 *   x  both, and exchanged with that register       v  its index is a vector
 *   u  push          o  pop         s  string       y  xlat
 *   c  call          q  return      j  jump         F  x87
 *   G  as the number in ModRM says  ?  unknown      X  no instruction
 * The second one is its width:
 *   1 2 4 8 t        bytes, t ten                   v  that of integers: 2, 4 or 8
 *   d  4, or 8 with W               z  twice that   k  of a mask register
 *   a h f e          the vector; a half, a fourth, an eighth of it   y  32 bytes
 *   p  the vector, or by the prefix one number: F3 4, F2 8
 *   c  the same, but half without prefix            s  one number: 4, or with 66 8
 *   i  8 without prefix, 16 with 66, F3 4, F2 8     x  8 without prefix, else 16
 *   m  8 without prefix (MMX), else the vector      n  likewise, but at most 8
 *   ?  not told: at most a vector
 * The third one is what follows the opcode:
 *   m  ModRM         b z  ModRM, and 1 byte, or 4 (2 with 66)    t  as group 3
 *   1 2 3  bytes     4  four (2 with 66)   8  as many as the operand has
 *   o  an address    r  a jump's four      .  nothing */
static const char one_byte[] =
    "b1m|bvm|g1m|gvm|..1|..4|X..|X..|b1m|bvm|g1m|gvm|..1|..4|X..|X..|" /* 00 */
    "b1m|bvm|g1m|gvm|..1|..4|X..|X..|b1m|bvm|g1m|gvm|..1|..4|X..|X..|"
    "b1m|bvm|g1m|gvm|..1|..4|X..|X..|b1m|bvm|g1m|gvm|..1|..4|X..|X..|"
    "b1m|bvm|g1m|gvm|..1|..4|X..|X..|r1m|rvm|r1m|rvm|..1|..4|X..|X..|"
    ROW("X..|") /* 40 */
    FEW("u8.|") FEW("o8.|")
    "X..|X..|X..|l4m|X..|X..|X..|X..|u84|gvz|u81|gvb|...|...|...|...|"
    ROW("j.1|")
    "G1b|Gvz|X..|Gvb|r1m|rvm|x1m|xvm|w1m|wvm|l1m|lvm|w2m|..m|r2m|o8m|" /* 80 */
    "...|...|...|...|...|...|...|...|...|...|X..|...|u8.|o8.|...|...|"
    "r1o|rvo|w1o|wvo|s1.|sv.|s1.|sv.|..1|..4|s1.|sv.|s1.|sv.|s1.|sv.|"
    FEW("..1|") FEW("..8|")
    "b1b|bvb|q82|q8.|X..|X..|w1b|wvz|..3|...|j.2|j..|...|..1|X..|j..|" /* c0 */
    "b1m|bvm|b1m|bvm|X..|X..|X..|y1.|F.m|F.m|F.m|F.m|F.m|F.m|F.m|F.m|"
    "j.1|j.1|j.1|j.1|..1|..1|..1|..1|c8r|j.r|X..|j.1|...|...|...|...|"
    "X..|...|X..|X..|...|...|G1t|Gvt|...|...|...|...|...|...|G1m|Gvm|";

static const char map_0f[] =
    "??m|??m|g2m|g2m|X..|...|...|...|...|...|X..|...|X..|..m|...|r8b|" /* 00 */
    "rpm|wpm|r8m|w8m|ram|ram|r8m|w8m|..m|..m|..m|..m|..m|..m|..m|..m|"
    "??m|??m|??m|??m|X..|X..|X..|X..|ram|wam|r8m|wpm|gim|gim|rsm|rsm|"
    "...|...|...|...|...|...|X..|...|X..|X..|X..|X..|X..|X..|X..|X..|"
    ROW("gvm|") /* 40 */
    "..m|rpm|rpm|rpm|ram|ram|ram|ram|rpm|rpm|rcm|ram|rpm|rpm|rpm|rpm|"
    "rnm|rnm|rnm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|ram|ram|rdm|rmm|"
    "rmb|rab|rab|rab|rmm|rmm|rmm|...|??m|??m|??m|??m|ram|ram|wdm|wmm|"
    ROW("j.r|") /* 80 */
    ROW("w1m|")
    "u8.|o8.|...|??m|bvb|bvm|X..|X..|u8.|o8.|...|??m|bvb|bvm|Gvm|gvm|"
    "x1m|xvm|??m|??m|??m|??m|l1m|l2m|gvm|??m|Gvb|??m|gvm|gvm|l1m|l2m|"
    "x1m|xvm|rpb|wdm|r2b|..b|rab|Gzm|...|...|...|...|...|...|...|...|" /* c0 */
    "ram|rxm|rxm|rxm|rmm|rmm|w8m|..m|rmm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|"
    "rmm|rxm|rxm|rmm|rmm|rmm|ram|wmm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|"
    "ram|rxm|rxm|rxm|rmm|rmm|rmm|..m|rmm|rmm|rmm|rmm|rmm|rmm|rmm|??m|";

static const char map_0f38[] =
    "rmm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|rmm|ram|ram|ram|ram|" /* 00 */
    "ram|ram|ram|rhm|ram|ram|ram|ram|r4m|r8m|rxm|rym|rmm|rmm|rmm|ram|"
    "rhm|rfm|rem|rhm|rfm|rhm|ram|ram|ram|ram|ram|ram|r?m|r?m|w?m|w?m|"
    "rhm|rfm|rem|rhm|rfm|rhm|ram|ram|ram|ram|ram|ram|ram|ram|ram|ram|"
    "ram|ram|ram|rdm|ram|ram|ram|ram|??m|??m|??m|??m|ram|rdm|ram|rdm|" /* 40 */
    "ram|ram|ram|ram|ram|ram|??m|??m|r4m|r8m|rxm|rym|??m|??m|??m|??m|"
    "??m|??m|r?m|w?m|ram|ram|ram|??m|ram|??m|??m|??m|??m|??m|??m|??m|"
    "ram|ram|ram|ram|??m|ram|ram|ram|r1m|r2m|??m|??m|??m|ram|ram|ram|"
    "??m|??m|??m|ram|??m|??m|??m|??m|r?m|r?m|w?m|w?m|r?m|ram|w?m|ram|" /* 80 */
    "v?m|v?m|v?m|v?m|??m|??m|ram|ram|ram|rdm|ram|rdm|ram|rdm|ram|rdm|"
    "v?m|v?m|v?m|v?m|??m|??m|ram|ram|ram|rdm|ram|rdm|ram|rdm|ram|rdm|"
    "??m|??m|??m|??m|ram|ram|ram|ram|ram|rdm|ram|rdm|ram|rdm|ram|rdm|"
    "??m|??m|??m|??m|ram|??m|v?m|v?m|ram|ram|ram|ram|ram|ram|??m|ram|" /* c0 */
    "??m|??m|??m|??m|??m|??m|??m|??m|??m|??m|??m|ram|ram|ram|ram|ram|"
    ROW("??m|")
    "gvm|wvm|gdm|gdm|??m|gdm|gdm|gdm|??m|wdm|??m|??m|bdm|??m|??m|??m|";

static const char map_0f3a[] =
    "rab|rab|rab|rab|rab|rab|rab|??b|rab|rab|r4b|r8b|rab|rab|rab|rmb|" /* 00 */
    "??b|??b|??b|??b|w1b|w2b|wdb|w4b|rxb|wxb|ryb|wyb|??b|whb|rab|rab|"
    "r1b|r4b|rdb|rab|??b|rab|rab|rdb|??b|??b|??b|??b|??b|??b|??b|??b|"
    FEW("??b|") "rxb|wxb|ryb|wyb|??b|??b|rab|rab|"
    "rab|rab|rab|rab|rab|??b|rab|??b|??b|??b|rab|rab|rab|??b|??b|??b|" /* 40 */
    "rab|rdb|??b|??b|rab|rdb|rab|rdb|??b|??b|??b|??b|??b|??b|??b|??b|"
    "rab|rab|rab|rab|??b|??b|rab|rdb|??b|??b|??b|??b|??b|??b|??b|??b|"
    "rab|rab|rab|rab|??b|??b|??b|??b|??b|??b|??b|??b|??b|??b|??b|??b|"
    ROW("??b|") ROW("??b|") ROW("??b|") ROW("??b|") /* 80 */
    FEW("??b|") "??b|??b|??b|??b|rab|??b|rab|rab|" /* c0 */
    FEW("??b|") "??b|??b|??b|??b|??b|??b|??b|rab|"
    ROW("??b|")
    "gdb|??b|??b|??b|??b|??b|??b|??b|" FEW("??b|");

/* d8 to df, by the number in ModRM. */
static const char x87[] =
    "r4m|r4m|r4m|r4m|r4m|r4m|r4m|r4m|r4m|??m|w4m|w4m|??m|r2m|??m|w2m|"
    "r4m|r4m|r4m|r4m|r4m|r4m|r4m|r4m|r4m|w4m|w4m|w4m|??m|rtm|??m|wtm|"
    "r8m|r8m|r8m|r8m|r8m|r8m|r8m|r8m|r8m|w8m|w8m|w8m|??m|??m|??m|w2m|"
    "r2m|r2m|r2m|r2m|r2m|r2m|r2m|r2m|r2m|w2m|w2m|w2m|rtm|r8m|wtm|w8m|";
/* clang-format on */

_Static_assert(sizeof one_byte == OPCODES * CELL + 1 && sizeof map_0f == sizeof one_byte &&
                   sizeof map_0f38 == sizeof one_byte && sizeof map_0f3a == sizeof one_byte &&
                   sizeof x87 == X87_CELLS * CELL + 1,
               "a cell for each opcode");

static struct cell cell_of(const char *map, unsigned number) {
    return (struct cell){map[number * CELL], map[number * CELL + 1], map[number * CELL + 2]};
}

struct cell hak_decode_x87_cell(const struct insn *insn) {
    return cell_of(x87, (insn->opcode & 7) * 8 + insn->reg);
}

/* Changes the cell's width or way where the prefix makes another instruction of the same opcode. */
static void vary_0f(const struct insn *insn, struct cell *cell) {
    bool is_f3 = insn->prefix == PREFIX_F3, is_f2 = insn->prefix == PREFIX_F2;
    switch (insn->opcode) {
    case 0x12: /* movsldup, movddup */
        if (is_f3 || (is_f2 && insn->vector_bytes > 16))
            cell->width = 'a';
        break;
    case 0x16: /* movshdup */
        if (is_f3)
            cell->width = 'a';
        break;
    case 0x2a:
        if (is_f3 || is_f2)
            cell->width = 'd';
        break;
    case 0x7e: /* movq */
        if (is_f3)
            *cell = (struct cell){'r', '8', 'm'};
        break;
    case 0x90: /* kmov */
    case 0x91:
        if (insn->is_vex)
            *cell = (struct cell){insn->opcode & 1 ? 'w' : 'r', 'k', 'm'};
        break;
    case 0xe6:
        if (is_f3 && !(insn->is_evex && insn->is_wide))
            cell->width = 'h';
        break;
    default:
        break;
    }
}

/* Corrects the cell of an opcode of map 0F 38 that means something else with EVEX or another
 * prefix. */
static void vary_0f38(const struct insn *insn, struct cell *cell) {
    bool is_down = insn->opcode >= 0x10 && insn->opcode < 0x36 && (insn->opcode & 15) < 6;
    if (insn->is_evex && is_down && insn->prefix == PREFIX_F3) /* vpmov */
        *cell = (struct cell){'w', "hfehfh"[insn->opcode & 15], 'm'};
    else if (insn->is_evex && (insn->opcode & 0xfe) == 0x2c && insn->prefix == PREFIX_66)
        cell->width = insn->opcode & 1 ? 'd' : 'a'; /* vscalef */
    else if (insn->is_evex && insn->prefix > PREFIX_66 && (insn->opcode & 0xfe) != 0x26)
        *cell = (struct cell){'?', '?', 'm'};
    else if (!insn->is_vex && insn->opcode >= 0xf0 && insn->prefix == PREFIX_F2) /* crc32 */
        *cell = (struct cell){'g', insn->opcode == 0xf0 ? '1' : 'v', 'm'};
    else if (!insn->is_vex && insn->opcode == 0xf6 && insn->prefix == NO_PREFIX) /* wrss */
        cell->way = 'w';
}

/* The table's cell of an opcode: its way, width and operand; 'X' is no opcode that is known. */
struct cell hak_decode_cell(const struct insn *insn) {
    struct cell cell = {'X', '.', '.'};
    switch (insn->map) {
    case ONE_BYTE:
        if (!insn->is_vex)
            cell = cell_of(one_byte, insn->opcode);
        break;
    case MAP_0F:
        cell = cell_of(map_0f, insn->opcode);
        vary_0f(insn, &cell);
        break;
    case MAP_0F38:
        cell = cell_of(map_0f38, insn->opcode);
        vary_0f38(insn, &cell);
        break;
    case MAP_0F3A:
        cell = cell_of(map_0f3a, insn->opcode);
        if (insn->is_evex && insn->prefix == NO_PREFIX) /* of halves */
            cell = (struct cell){'?', '?', 'b'};
        break;
    default:
        if (insn->is_evex && (insn->map == MAP_5 || insn->map == MAP_6))
            cell = (struct cell){'r', '?', 'm'};
    }
    return cell;
}
