/* Makes a compact unwind rule of a row of aarch64's call frame information. */
#ifndef HAK_PLATFORM_AARCH64_RULE_OF_ROW_H
#define HAK_PLATFORM_AARCH64_RULE_OF_ROW_H

#include <string.h>

/* True when `mov x8, #__NR_rt_sigreturn; svc #0` begins at `pc`, or behind it, where a handler
 * returns to: the kernel's signal frame then begins at sp. It lies in the vdso; of a process under
 * qemu-user it is in no module (`object` is NULL). */
static bool is_signal_return(const struct hak_object *object, uintptr_t pc) {
    static const uint8_t code[] = {0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4};
    uintptr_t from = (pc + 1) & ~(uintptr_t)3;
    uint8_t here[sizeof code];
    if (object && object->end - from < sizeof here)
        return false;
    return hak_code_copy(&(struct hak_code_reader){1}, from, here, sizeof here) &&
           memcmp(here, code, sizeof code) == 0;
}

/* The rule without the places of what was saved. */
static uint32_t pack_rule(unsigned kind, uintptr_t cfa, uint32_t saved) {
    return (uint32_t)(kind << HAK_RULE_KIND_SHIFT | cfa << HAK_RULE_CFA_SHIFT) | saved;
}

/* The part of the rule for what the frame saved, whose CFA is `cfa` bytes above a register. -1: no
 * rule tells it. */
static int saved_slot(const struct hak_cfi_row *row, int32_t cfa) {
    const struct hak_cfi_cell *ra = &row->reg[HAK_LR], *fp = &row->reg[HAK_FP];
    if (ra->how == HAK_CFI_SAME && fp->how == HAK_CFI_SAME)
        return HAK_RULE_NOTHING;
    if (ra->how != HAK_CFI_AT_OFFSET || ra->value % 8 != 0)
        return -1;
    bool is_pair = fp->how == HAK_CFI_AT_OFFSET && fp->value == ra->value - 8;
    int32_t below = is_pair ? -fp->value : -ra->value;
    if (!is_pair && fp->how != HAK_CFI_SAME)
        return -1;
    int what = is_pair ? HAK_RULE_PAIR : HAK_RULE_RETURN;
    if (cfa - below >= 0 && (cfa - below) / 8 <= HAK_RULE_SLOT_MAX)
        return (cfa - below) / 8 << HAK_RULE_SLOT_SHIFT | what;
    if (below >= 8 && below / 8 <= HAK_RULE_SLOT_MAX)
        return 1 << HAK_RULE_FROM_SHIFT | below / 8 << HAK_RULE_SLOT_SHIFT | what;
    return -1;
}

/* The rule of a row that is no signal frame's: HAK_RULE_FULL where it cannot be told by one. The
 * state of the return address (34, signed or not) is none of it: the signature is always taken
 * off. */
static uint32_t rule_of_row(const struct hak_cfi *cfi) {
    const struct hak_cfi_row *row = &cfi->row;
    int32_t cfa = row->cfa.value;
    if (row->cfa.how != HAK_CFI_IS_OFFSET || row->reg[HAK_SP].how != HAK_CFI_SAME || cfa < 0 ||
        cfa % 16 != 0 || cfa / 16 > HAK_RULE_CFA_MAX ||
        (row->cfa.reg != HAK_SP && row->cfa.reg != HAK_FP))
        return pack_rule(HAK_RULE_FULL, 0, 0);
    int saved = saved_slot(row, cfa);
    if (saved < 0)
        return pack_rule(HAK_RULE_FULL, 0, 0);
    return pack_rule(row->cfa.reg == HAK_SP ? HAK_RULE_BY_SP : HAK_RULE_BY_FP, (uintptr_t)cfa / 16,
                     (uint32_t)saved);
}

/* A return address that no rule names is in x30. */
static bool has_no_caller(const struct hak_cfi_cell *ra) {
    return ra->how == HAK_CFI_UNDEFINED;
}

#endif
