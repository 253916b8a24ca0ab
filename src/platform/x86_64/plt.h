/* Says that x86-64's linkers write call frame information of the PLT themselves. */
#ifndef HAK_PLATFORM_X86_64_PLT_H
#define HAK_PLATFORM_X86_64_PLT_H

static inline bool hak_cfi_of_plt(uintptr_t pc, struct hak_cfi *cfi) {
    (void)pc;
    (void)cfi;
    return false;
}

/* Rows are taken as they are. */
static inline void hak_cfi_settle(struct hak_cfi_row *row) {
    (void)row;
}

#endif
