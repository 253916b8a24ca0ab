/* Says which instructions take 16 bytes of memory at a multiple of 16 alone, and writes one of them
 * anew for bytes that lie elsewhere (Intel's Software Developer's Manual, volume 1, 4.1.1). */
#include "decode/insn.h"

enum {
    BYTES = 16,
    REX = 0x40,
    REX_W_R = 0x0c, /* the bits that do not belong to the operand */
    MODRM_REGISTER = 0x38,
};

/* How movaps, movapd, movdqa and those that go past the caches use the 16 aligned bytes: load or
 * store. HAK_ALIGNED_NOT for every other instruction. */
static enum hak_aligned move_of(const struct insn *insn) {
    bool is_66 = insn->prefix == PREFIX_66, is_of_numbers = insn->prefix <= PREFIX_66;
    if (insn->map == MAP_0F38)
        return insn->opcode == 0x2a && is_66 ? HAK_ALIGNED_LOAD : HAK_ALIGNED_NOT;
    if (insn->map != MAP_0F)
        return HAK_ALIGNED_NOT;
    switch (insn->opcode) {
    case 0x28:
        return is_of_numbers ? HAK_ALIGNED_LOAD : HAK_ALIGNED_NOT;
    case 0x6f:
        return is_66 ? HAK_ALIGNED_LOAD : HAK_ALIGNED_NOT;
    case 0x29:
    case 0x2b:
        return is_of_numbers ? HAK_ALIGNED_STORE : HAK_ALIGNED_NOT;
    case 0x7f:
    case 0xe7:
        return is_66 ? HAK_ALIGNED_STORE : HAK_ALIGNED_NOT;
    default:
        return HAK_ALIGNED_NOT;
    }
}

/* Whether the instruction is one of SSE that reads 16 aligned bytes: all but movups, movdqu, lddqu
 * and the comparisons of strings, which take them anywhere, and two that change a register of MMX.
 * None with VEX, none that writes memory or changes a general register. */
static bool is_operation(const struct insn *insn, const struct hak_decoded *out) {
    if (insn->is_vex || out->changed != 0 || out->operands->writes)
        return false;
    if (insn->map == MAP_0F)
        return insn->opcode != 0x10 && insn->opcode != 0x6f && insn->opcode != 0xf0 &&
               (insn->opcode & 0xfe) != 0x2c;
    return insn->map == MAP_0F38 || (insn->map == MAP_0F3A && (insn->opcode & 0xfc) != 0x60);
}

void hak_decode_aligned(const struct insn *insn, struct hak_decoded *out) {
    const struct hak_operand *operand = out->operands;
    bool is_of_16 = out->count == 1 && insn->has_modrm && operand->is_exact &&
                    operand->bytes == BYTES && (operand->reads || operand->writes);
    if (!is_of_16 || insn->is_masked || insn->is_broadcast)
        return;
    out->aligned = move_of(insn);
    if (out->aligned == HAK_ALIGNED_NOT && insn->map == MAP_0F && insn->opcode == 0xc7)
        out->aligned = HAK_ALIGNED_EXCHANGE;
    else if (out->aligned == HAK_ALIGNED_NOT && is_operation(insn, out))
        out->aligned = HAK_ALIGNED_OPERATION;
    out->vector = insn->reg | insn->reg_high | insn->reg_top;
    out->is_vex = insn->is_vex;
}

/* A prefix that says where the operand lies: of its segment, or of addresses of 32 bits. */
static bool is_of_address(uint8_t prefix) {
    return (prefix & 0xe7) == 0x26 || (prefix & 0xfe) == 0x64 || prefix == 0x67;
}

unsigned hak_decode_at_rsi(const uint8_t *code, const struct hak_decoded *decoded,
                           uint8_t at_rsi[HAK_DECODE_LONGEST]) {
    unsigned modrm = decoded->modrm_at, length = 0;
    bool is_long = modrm >= 3 && code[modrm - 3] == 0x0f;
    unsigned opcode = modrm - (is_long ? 3 : 2);
    bool has_rex = opcode > 0 && (code[opcode - 1] & 0xf0) == REX;
    for (unsigned i = 0; i < opcode - has_rex; i++)
        if (!is_of_address(code[i]))
            at_rsi[length++] = code[i];
    if (has_rex)
        at_rsi[length++] = code[opcode - 1] & (REX | REX_W_R);
    while (opcode < modrm)
        at_rsi[length++] = code[opcode++];
    at_rsi[length++] = (uint8_t)((code[modrm] & MODRM_REGISTER) | RSI);
    for (unsigned i = decoded->length - decoded->immediate; i < decoded->length; i++)
        at_rsi[length++] = code[i];
    return length;
}
