/* Makes the row of call frame information that aarch64's linkers do not write: of the PLT, and of
 * the jumps (veneers) that they put between a call and a function which lies too far away.
 *
 *   [bti c]  adrp x16  ldr x17, [x16]  add x16, x16  br x17         the return address is in x30
 *   stp x16, x30, [sp, #-16]!  and the same                         and lies above sp: the first
 * entry
 */
#ifndef HAK_PLATFORM_AARCH64_PLT_H
#define HAK_PLATFORM_AARCH64_PLT_H

/* Is it one of these that a jump is made of? */
static inline bool hak_is_of_plt(uint32_t instruction) {
    enum { BTI_C = 0xd503245f, IP0 = 16, IP1 = 17 };
    return instruction == (uint32_t)BTI_C || (instruction & 0x9f00001f) == (0x90000000 | IP0) ||
           (instruction & 0xffc003ff) == (0xf9400000 | IP0 << 5 | IP1) ||
           (instruction & 0xffc003ff) == (0x91000000 | IP0 << 5 | IP0) ||
           instruction == (0xd61f0000 | IP1 << 5) || instruction == (0xd61f0000 | IP0 << 5);
}

/* The row of `pc`, where no entry of .eh_frame covers it. False: it is in no such jump. */
static inline bool hak_cfi_of_plt(uintptr_t pc, struct hak_cfi *cfi) {
    enum { BEFORE = 4, SAVES_LINK = (int)0xa9bf7bf0 };
    uint32_t code[BEFORE + 1];
    struct hak_code_reader reader = {1};
    if (pc % sizeof *code != 0 ||
        !hak_code_copy(&reader, pc - BEFORE * sizeof *code, (uint8_t *)code, sizeof code) ||
        (code[BEFORE] != (uint32_t)SAVES_LINK && !hak_is_of_plt(code[BEFORE])))
        return false;
    *cfi = (struct hak_cfi){.start = pc};
    cfi->row.cfa = (struct hak_cfi_cell){HAK_CFI_IS_OFFSET, HAK_SP, 0, 0};
    for (int i = BEFORE - 1; i >= 0 && (i == BEFORE - 1 || hak_is_of_plt(code[i + 1])); i--)
        if (code[i] == (uint32_t)SAVES_LINK && hak_is_of_plt(code[BEFORE])) {
            cfi->row.cfa.value = 16;
            cfi->row.reg[HAK_LR] = (struct hak_cfi_cell){HAK_CFI_AT_OFFSET, 0, 0, -8};
        }
    return true;
}

/* A row with a return address above its CFA is of code that is jumped to from the first entry of a
 * PLT, which saved that: ld.so's lazy binding. The caller's stack pointer was above. */
static inline void hak_cfi_settle(struct hak_cfi_row *row) {
    int32_t above = (row->reg[HAK_LR].value + 16) & ~15;
    if (row->reg[HAK_LR].how != HAK_CFI_AT_OFFSET || row->reg[HAK_LR].value < 0 ||
        row->cfa.how != HAK_CFI_IS_OFFSET)
        return;
    row->cfa.value += above;
    for (unsigned i = 0; i < HAK_REGISTERS; i++)
        if (row->reg[i].how == HAK_CFI_AT_OFFSET || row->reg[i].how == HAK_CFI_IS_OFFSET)
            row->reg[i].value -= above;
}

#endif
