/* Decodes the instruction at which, or behind which, the program was stopped. */
#include "report/instruction/instruction.h"

#include <stdio.h>
#include <string.h>
#include "report/instruction/touches.h"

enum { ADDRESS_BITS = 48, SMALLEST_VECTOR = 16 };

/* Copies text and bytes. */
static void describe(struct hak_instruction *out, const cs_insn *insn) {
    *out = (struct hak_instruction){.address = insn->address};
    out->length = insn->size <= HAK_INSTRUCTION_BYTES ? (uint8_t)insn->size : HAK_INSTRUCTION_BYTES;
    memcpy(out->code, insn->bytes, out->length);
    snprintf(out->text, sizeof out->text, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "",
             insn->op_str);
}

static bool decode(struct hak_instruction *out, const uint8_t *code, size_t count, uint64_t address,
                   const struct hak_machine *machine, bool is_after) {
    const cs_insn *insn = hak_disassemble(code, count, address);
    if (!insn)
        return false;
    describe(out, insn);
    hak_find_touches(out, insn, machine, is_after);
    hak_find_division(out, insn);
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
        if (address - touch->address >= touch->bytes ||
            (touch->ways && ways && !(touch->ways & ways)))
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

/* ---- behind an instruction ----------------------------------------------------------------------
 *
 * Where an instruction ends tells not where it begins. But one of the first 15 bytes of the code
 * that is there is a beginning, and decoding from each of them leads into step with the rest soon:
 * where all that arrive at the end came by one last instruction, it is that. */

/* Where the last instruction begins on the way from `from` to `before`; `before` = there is no such
 * way.
 */
static size_t last_on_the_way(const uint8_t *code, size_t from, size_t before) {
    size_t last = before;
    while (from < before) {
        const cs_insn *insn = hak_disassemble(code + from, before - from, 0);
        if (!insn)
            return before;
        last = from;
        from += insn->size;
    }
    return last;
}

static size_t last_instruction(const uint8_t *code, size_t before) {
    size_t found = before;
    for (size_t from = 0; from < HAK_INSTRUCTION_BYTES && from < before; from++) {
        size_t last = last_on_the_way(code, from, before);
        if (last == before)
            continue;
        if (found != before && found != last)
            return before;
        found = last;
    }
    return found;
}

bool hak_instruction_behind(struct hak_instruction *out, const uint8_t *code, size_t count,
                            size_t before, uint64_t address, uint64_t touched, unsigned ways,
                            const struct hak_machine *machine) {
    struct hak_instruction repeated;
    if (before > count)
        return false;
    bool is_repeated =
        decode(&repeated, code + before, count - before, address + before, machine, true) &&
        repeated.is_repeated && repeated.left > 0 &&
        hak_instruction_touch(&repeated, touched, ways);
    size_t last = last_instruction(code, before);
    bool is_last = last < before &&
                   decode(out, code + last, before - last, address + last, machine, true) &&
                   hak_instruction_touch(out, touched, ways);
    if (is_repeated && !is_last)
        *out = repeated;
    return is_repeated != is_last;
}
