/* Defines dlopen and dlsym for aarch64, each a jump to the next one or to what stands in for it. */
#ifndef HAK_PLATFORM_AARCH64_LOADER_H
#define HAK_PLATFORM_AARCH64_LOADER_H

/* Begins the function `name`, which is hak_entry_`name` as well: the same, whatever the program's
 * own address of it is. */
#define HAK_BEGIN_OF(name)                                                                         \
    ".text\n"                                                                                      \
    ".balign 4\n"                                                                                  \
    ".globl " name "\n"                                                                            \
    ".type " name ", %function\n"                                                                  \
    ".globl hak_entry_" name "\n"                                                                  \
    ".hidden hak_entry_" name "\n"                                                                 \
    "hak_entry_" name ":\n" name ":\n"                                                             \
    ".cfi_startproc\n"                                                                             \
    "hint #34\n" /* bti c: it is called through a pointer */

/* Ends it with a jump to hak_next_`name`, which hak_entry_find_`name` finds at its first call. */
#define HAK_JUMP_TO_NEXT(name)                                                                     \
    "adrp x16, hak_next_" name "\n"                                                                \
    "ldr x16, [x16, #:lo12:hak_next_" name "]\n"                                                   \
    "cbz x16, 1f\n"                                                                                \
    "br x16\n"                                                                                     \
    "1: stp x29, x30, [sp, #-32]!\n"                                                               \
    ".cfi_def_cfa_offset 32\n"                                                                     \
    ".cfi_offset 29, -32\n"                                                                        \
    ".cfi_offset 30, -24\n"                                                                        \
    "mov x29, sp\n"                                                                                \
    "stp x0, x1, [sp, #16]\n"                                                                      \
    "bl hak_entry_find_" name "\n"                                                                 \
    "mov x16, x0\n"                                                                                \
    "ldp x0, x1, [sp, #16]\n"                                                                      \
    "ldp x29, x30, [sp], #32\n"                                                                    \
    ".cfi_restore 29\n"                                                                            \
    ".cfi_restore 30\n"                                                                            \
    ".cfi_def_cfa_offset 0\n"                                                                      \
    "br x16\n"                                                                                     \
    ".cfi_endproc\n"                                                                               \
    ".size " name ", . - " name "\n"

__asm__(HAK_BEGIN_OF("dlopen") "and w1, w1, #-9\n" HAK_JUMP_TO_NEXT("dlopen"));
__asm__(HAK_BEGIN_OF("dlsym") "add x16, x0, #1\n"
                              "cmp x16, #1\n"
                              "b.ls 2f\n"
                              "b hak_entry_find_by_handle\n" /* neither RTLD_DEFAULT nor _NEXT */
                              "2:\n" HAK_JUMP_TO_NEXT("dlsym"));

#endif
