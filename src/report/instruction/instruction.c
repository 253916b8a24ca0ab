/* Decodes the instruction at which, or behind which, the program was stopped. */
#include "report/instruction/instruction.h"

#include <stdio.h>
#include <string.h>
#include "decode/decode.h"
#include "report/instruction/disassembler.h"

enum {
    ADDRESS_BITS = 48,
    TAGGED_BITS = 56, /* AArch64 ignores those above */
    SMALLEST_VECTOR = 16,
    DIRECTION = 0x400, /* of rflags: string instructions go downwards */
    RCX = 2,           /* DWARF's number */
};

/* ---- the bytes that it touches -------------------------------------------------------------- */

/* A register that was loaded over its own address has its old value again (watch/behind.c). */
static bool keeps(const struct hak_decoded *decoded, int reg) {
    return reg < 0 || reg == decoded->loaded || !(decoded->changed >> reg & 1);
}

/* Whether the registers tell the operand's address and bytes in full; `is_after`: they are those
 * after the instruction. */
static bool is_told(const struct hak_decoded *decoded, const struct hak_operand *operand,
                    bool is_after) {
    if ((!operand->reads && !operand->writes) || !operand->is_exact || operand->is_unknown ||
        operand->is_tags)
        return false;
    return !is_after || operand->moves ||
           (keeps(decoded, operand->base) && keeps(decoded, operand->index));
}

/* Appends what the operand reads or writes, with its address from the registers; `is_after`: they
 * are those after the instruction. */
static void add_touch(struct hak_instruction *out, const struct hak_operand *operand,
                      const struct hak_machine *machine, bool is_after) {
    struct hak_touch *touch = &out->touches[out->touch_count++];
    uint64_t end = out->address + out->length;
    *touch = (struct hak_touch){.address = hak_operand_address(operand, machine->registers, end),
                                .bytes = operand->bytes,
                                .ways = (operand->reads ? HAK_TOUCHES_READ : 0u) |
                                        (operand->writes ? HAK_TOUCHES_WRITE : 0u),
                                .base = operand->base,
                                .index = operand->index,
                                .scale = operand->scale,
                                .is_of_rip = operand->is_of_rip};
    if (is_after)
        touch->address -= (uint64_t)(out->is_downwards ? -operand->moves : operand->moves);
    if (operand->is_narrow)
        touch->address &= UINT32_MAX;
    if (machine->processor == HAK_PROCESSOR_AARCH64)
        touch->address &= ((uint64_t)1 << TAGGED_BITS) - 1;
}

/* Takes over what the instruction does: division, repetition, direction, touches. Behind a jump or
 * a string move without known flags touches are left out: nobody stands behind a jump. */
static void add_effects(struct hak_instruction *out, const struct hak_decoded *decoded,
                        const struct hak_machine *machine, bool is_after) {
    out->is_division = decoded->is_division;
    out->divisor = decoded->source;
    out->is_repeated = decoded->is_repeated;
    out->has_direction = decoded->is_string && machine->flags != 0;
    out->is_downwards = out->has_direction && (machine->flags & DIRECTION) != 0;
    if (decoded->is_string)
        out->left =
            machine->registers[RCX] & (decoded->operands->is_narrow ? UINT32_MAX : UINT64_MAX);
    if (is_after && (decoded->is_jump || (decoded->is_string && !out->has_direction)))
        return;
    for (unsigned i = 0; i < decoded->count; i++)
        if (is_told(decoded, &decoded->operands[i], is_after))
            add_touch(out, &decoded->operands[i], machine, is_after);
}

/* Copies text and bytes. */
static void describe(struct hak_instruction *out, const cs_insn *insn) {
    *out = (struct hak_instruction){.address = insn->address};
    out->length = insn->size <= HAK_INSTRUCTION_BYTES ? (uint8_t)insn->size : HAK_INSTRUCTION_BYTES;
    memcpy(out->code, insn->bytes, out->length);
    snprintf(out->text, sizeof out->text, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "",
             insn->op_str);
}

/* Decodes the instruction at `address`. `is_after`: the machine is as after it; touches that cannot
 * be told from that are left out. False: the bytes are none. */
static bool decode(struct hak_instruction *out, const uint8_t *code, size_t count, uint64_t address,
                   const struct hak_machine *machine, bool is_after) {
    const cs_insn *insn = hak_disassemble(machine->processor, code, count, address);
    struct hak_decoded decoded;
    if (!insn)
        return false;
    describe(out, insn);
    bool is_known = machine->processor == HAK_PROCESSOR_AARCH64
                        ? hak_decode_aarch64(code, count, machine->block_bytes, &decoded)
                        : hak_decode(code, count, &decoded);
    if (is_known && decoded.length == out->length)
        add_effects(out, &decoded, machine, is_after);
    return true;
}

bool hak_instruction_at(struct hak_instruction *out, const uint8_t *code, size_t count,
                        uint64_t address, const struct hak_machine *machine) {
    return decode(out, code, count, address, machine, false);
}

const struct hak_touch *hak_instruction_touch(const struct hak_instruction *instruction,
                                              uint64_t address, unsigned ways) {
    const struct hak_touch *found = NULL;
    for (int i = 0; i < instruction->touch_count; i++) {
        const struct hak_touch *touch = &instruction->touches[i];
        if (address - touch->address >= touch->bytes || (ways && !(touch->ways & ways)))
            continue;
        if (found)
            return NULL;
        found = touch;
    }
    return found;
}

/* Canonical addresses: all bits from the 48th on are equal. */
static bool is_no_address(uint64_t address) {
    int64_t high = (int64_t)address >> (ADDRESS_BITS - 1);
    return high != 0 && high != -1;
}

bool hak_touch_is_misaligned(const struct hak_touch *touch) {
    return touch->bytes >= SMALLEST_VECTOR && touch->address % touch->bytes != 0;
}

const struct hak_touch *hak_instruction_refused(const struct hak_instruction *instruction) {
    const struct hak_touch *found = NULL;
    for (int i = 0; i < instruction->touch_count; i++) {
        const struct hak_touch *touch = &instruction->touches[i];
        if (!is_no_address(touch->address) && !is_no_address(touch->address + touch->bytes - 1) &&
            !hak_touch_is_misaligned(touch))
            continue;
        if (found)
            return NULL;
        found = touch;
    }
    return found;
}

bool hak_instruction_behind(struct hak_instruction *out, const uint8_t *code, size_t count,
                            size_t before, uint64_t address, uint64_t touched, unsigned ways,
                            const struct hak_machine *machine) {
    struct hak_instruction repeated;
    if (before > count || machine->processor != HAK_PROCESSOR_X86_64)
        return false;
    bool is_repeated =
        decode(&repeated, code + before, count - before, address + before, machine, true) &&
        repeated.is_repeated && repeated.left > 0 &&
        hak_instruction_touch(&repeated, touched, ways);
    uint32_t lengths = hak_decode_lengths(code, before);
    bool is_one = lengths && !(lengths & (lengths - 1));
    size_t last = before - (is_one ? (size_t)__builtin_ctz(lengths) : 0);
    bool is_last = is_one &&
                   decode(out, code + last, before - last, address + last, machine, true) &&
                   hak_instruction_touch(out, touched, ways);
    if (is_repeated && !is_last)
        *out = repeated;
    return is_repeated != is_last;
}
