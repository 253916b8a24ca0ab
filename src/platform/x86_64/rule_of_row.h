/* Makes a compact unwind rule of a row of x86-64's call frame information. */
#ifndef HAK_PLATFORM_X86_64_RULE_OF_ROW_H
#define HAK_PLATFORM_X86_64_RULE_OF_ROW_H

#include <string.h>

static uint32_t pack_rule(unsigned kind, uintptr_t cfa_words, uintptr_t bp) {
    return (uint32_t)(kind << HAK_RULE_KIND_SHIFT | cfa_words << HAK_RULE_CFA_SHIFT | bp);
}

/* True when `mov $__NR_rt_sigreturn, %rax; syscall` begins at `pc`, or behind it, where a handler
 * returns to: the kernel's signal frame then begins 8 bytes below rsp and rsp points to its
 * ucontext. `object` is the module that `pc` lies in; NULL: in none, which is never so. */
static bool is_signal_return(const struct hak_object *object, uintptr_t pc) {
    static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
    uint8_t here[sizeof code + 1];
    if (!object || object->end - pc < sizeof here ||
        !hak_code_copy(&(struct hak_code_reader){1}, pc, here, sizeof here))
        return false;
    return memcmp(here, code, sizeof code) == 0 || memcmp(here + 1, code, sizeof code) == 0;
}

/* `breg6 offset; deref` with a multiple of 8 at or below rbp: gcc's form for functions that realign
 * their stack. Returns the words below rbp, or -1. */
static int saved_cfa_words(const struct hak_cfi *cfi) {
    enum { BREG_RBP = 0x76, DEREF = 0x06 };
    const uint8_t *e = cfi->origin + cfi->row.cfa.value;
    if (cfi->row.cfa.bytes != 3 || e[0] != BREG_RBP || (e[1] & 0x80) != 0 || e[2] != DEREF)
        return -1;
    int offset = (e[1] & 0x40) != 0 ? (int)e[1] - 0x80 : (int)e[1];
    return offset <= 0 && offset % 8 == 0 ? -offset / 8 : -1;
}

/* How the rule finds the caller's rbp; -1 when it cannot. */
static int saved_bp(const struct hak_cfi *cfi) {
    enum { BREG_RBP = 0x76 };
    const struct hak_cfi_cell *cell = &cfi->row.reg[HAK_RBP];
    const uint8_t *e = cfi->origin + cell->value;
    if (cell->how == HAK_CFI_SAME)
        return 0;
    if (cell->how == HAK_CFI_AT_OFFSET && cell->value % 8 == 0 && cell->value <= -8 &&
        cell->value >= -8 * HAK_RULE_BP_MAX)
        return -cell->value / 8;
    if (cell->how == HAK_CFI_AT_EXPRESSION && cell->bytes == 2 && e[0] == BREG_RBP && e[1] == 0)
        return HAK_RULE_BP_AT_RBP;
    return -1;
}

/* The rule of a row that has a return address and is no signal frame's: HAK_RULE_FULL where it
 * cannot be told by one. */
static uint32_t rule_of_row(const struct hak_cfi *cfi) {
    const struct hak_cfi_row *row = &cfi->row;
    const struct hak_cfi_cell *ra = &row->reg[HAK_RIP];
    int bp = saved_bp(cfi);
    if (ra->how != HAK_CFI_AT_OFFSET || ra->value != -8 || bp < 0 ||
        row->reg[HAK_RSP].how != HAK_CFI_SAME)
        return pack_rule(HAK_RULE_FULL, 0, 0);
    if (row->cfa.how == HAK_CFI_IS_EXPRESSION) {
        int words = saved_cfa_words(cfi);
        return words < 0 ? pack_rule(HAK_RULE_FULL, 0, 0)
                         : pack_rule(HAK_RULE_BY_SAVED, (uintptr_t)words, (uintptr_t)bp);
    }
    int32_t offset = row->cfa.value;
    if (offset < 0 || offset % 8 != 0 || offset / 8 > HAK_RULE_CFA_MAX)
        return pack_rule(HAK_RULE_FULL, 0, 0);
    if (row->cfa.reg == HAK_RSP)
        return pack_rule(HAK_RULE_BY_SP, (uintptr_t)offset / 8, (uintptr_t)bp);
    if (row->cfa.reg == HAK_RBP)
        return pack_rule(HAK_RULE_BY_FP, (uintptr_t)offset / 8, (uintptr_t)bp);
    return pack_rule(HAK_RULE_FULL, 0, 0);
}

/* No rule for the return address: nothing to return to. */
static bool has_no_caller(const struct hak_cfi_cell *ra) {
    return ra->how == HAK_CFI_UNDEFINED || ra->how == HAK_CFI_SAME;
}

#endif
