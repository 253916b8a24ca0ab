/* Steps a full set of registers from a frame to its caller's. */
#include "unwind/cfi.h"

/* Finds one register of the caller. Returns false when it cannot be found although it should. */
static bool find_register(const struct hak_cfi *cfi, unsigned number, uint64_t cfa,
                          const struct hak_registers *callee, struct hak_stack_memory *memory,
                          struct hak_registers *caller) {
    const struct hak_cfi_cell *cell = &cfi->row.reg[number];
    uint64_t value = 0;
    bool known = true;
    switch (cell->how) {
    case HAK_CFI_SAME:
        known = (callee->known >> number & 1) != 0;
        value = callee->value[number];
        if (number == HAK_REGISTER_SP) {
            known = true;
            value = cfa;
        }
        break;
    case HAK_CFI_UNDEFINED:
        known = false;
        break;
    case HAK_CFI_AT_OFFSET:
        if (!hak_stack_read(memory, cfa + (uint64_t)(int64_t)cell->value, &value))
            return false;
        break;
    case HAK_CFI_IS_OFFSET:
        value = cfa + (uint64_t)(int64_t)cell->value;
        break;
    case HAK_CFI_IN_REGISTER:
        known = (callee->known >> cell->reg & 1) != 0;
        value = callee->value[cell->reg];
        break;
    case HAK_CFI_AT_EXPRESSION:
    case HAK_CFI_IS_EXPRESSION:
        if (!hak_cfi_evaluate(cfi->origin + cell->value, cell->bytes, callee, &cfa, memory, &value))
            return false;
        if (cell->how == HAK_CFI_AT_EXPRESSION && !hak_stack_read(memory, value, &value))
            return false;
        break;
    default:
        return false;
    }
    caller->value[number] = value;
    if (known)
        caller->known |= (hak_register_bits)1 << number;
    return true;
}

bool hak_cfi_apply(const struct hak_cfi *cfi, struct hak_registers *registers,
                   struct hak_stack_memory *memory) {
    const struct hak_cfi_cell *rule = &cfi->row.cfa;
    uint64_t cfa;
    if (rule->how == HAK_CFI_IS_EXPRESSION) {
        if (!hak_cfi_evaluate(cfi->origin + rule->value, rule->bytes, registers, NULL, memory,
                              &cfa))
            return false;
    } else {
        if (rule->how != HAK_CFI_IS_OFFSET || (registers->known >> rule->reg & 1) == 0)
            return false;
        cfa = registers->value[rule->reg] + (uint64_t)(int64_t)rule->value;
    }
    struct hak_registers caller = {.known = 0};
    for (unsigned number = 0; number < HAK_REGISTERS; number++) {
        bool found = find_register(cfi, number, cfa, registers, memory, &caller);
        if (!found && (number == HAK_REGISTER_RETURN || number == HAK_REGISTER_SP))
            return false;
    }
    hak_take_return(caller.value, &caller.known,
                    cfi->row.reg[HAK_REGISTER_RETURN].how != HAK_CFI_SAME);
    *registers = caller;
    return true;
}
