/* Defines dlopen for aarch64: a jump to the next one without RTLD_DEEPBIND. */
#ifndef HAK_PLATFORM_AARCH64_DLOPEN_H
#define HAK_PLATFORM_AARCH64_DLOPEN_H

__asm__(".text\n"
        ".balign 4\n"
        ".globl dlopen\n"
        ".type dlopen, %function\n"
        ".globl hak_entry_dlopen\n" /* the same, whatever the program's own address of it is */
        ".hidden hak_entry_dlopen\n"
        "hak_entry_dlopen:\n"
        "dlopen:\n"
        ".cfi_startproc\n"
        "hint #34\n" /* bti c: it is called through a pointer */
        "and w1, w1, #-9\n"
        "adrp x16, hak_next_dlopen\n"
        "ldr x16, [x16, #:lo12:hak_next_dlopen]\n"
        "cbz x16, 1f\n"
        "br x16\n"
        "1: stp x29, x30, [sp, #-32]!\n"
        ".cfi_def_cfa_offset 32\n"
        ".cfi_offset 29, -32\n"
        ".cfi_offset 30, -24\n"
        "mov x29, sp\n"
        "stp x0, x1, [sp, #16]\n"
        "bl hak_entry_find_dlopen\n"
        "mov x16, x0\n"
        "ldp x0, x1, [sp, #16]\n"
        "ldp x29, x30, [sp], #32\n"
        ".cfi_restore 29\n"
        ".cfi_restore 30\n"
        ".cfi_def_cfa_offset 0\n"
        "br x16\n"
        ".cfi_endproc\n"
        ".size dlopen, . - dlopen\n");

#endif
