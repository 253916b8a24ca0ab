/* Defines hak_cxx_try for aarch64: calls a function in a frame whose personality catches all. */
#ifndef HAK_PLATFORM_AARCH64_CXX_H
#define HAK_PLATFORM_AARCH64_CXX_H

enum { HAK_EXCEPTION_REGISTER = 0 /* x0 */ };

__asm__(".pushsection .text\n"
        ".balign 4\n"
        ".globl hak_cxx_try, hak_cxx_caught\n"
        ".hidden hak_cxx_try, hak_cxx_caught\n"
        ".type hak_cxx_try, %function\n"
        "hak_cxx_try:\n"
        ".cfi_startproc\n"
        ".cfi_personality 0x1b, hak_cxx_personality\n"
        "stp x29, x30, [sp, #-16]!\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset 29, -16\n"
        ".cfi_offset 30, -8\n"
        "mov x29, sp\n"
        "mov x9, x0\n"
        "mov x0, x1\n"
        "blr x9\n"
        "mov w0, #1\n"
        "b 1f\n"
        "hak_cxx_caught:\n"
        "bl hak_cxx_swallow\n"
        "mov w0, #0\n"
        "1: ldp x29, x30, [sp], #16\n"
        ".cfi_restore 29\n"
        ".cfi_restore 30\n"
        ".cfi_def_cfa_offset 0\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_cxx_try, . - hak_cxx_try\n"
        ".popsection\n");

#endif
