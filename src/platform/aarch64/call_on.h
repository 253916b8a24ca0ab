/* Defines hak_crash_call_on for aarch64: calls a function on another stack. */
#ifndef HAK_PLATFORM_AARCH64_CALL_ON_H
#define HAK_PLATFORM_AARCH64_CALL_ON_H

__asm__(".text\n"
        ".balign 4\n"
        ".type hak_crash_call_on, %function\n"
        ".hidden hak_crash_call_on\n"
        "hak_crash_call_on:\n"
        ".cfi_startproc\n"
        "stp x29, x30, [sp, #-16]!\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset 29, -16\n"
        ".cfi_offset 30, -8\n"
        "mov x29, sp\n"
        ".cfi_def_cfa_register 29\n"
        "mov sp, x0\n"
        "blr x1\n"
        "mov sp, x29\n"
        ".cfi_def_cfa_register 31\n"
        "ldp x29, x30, [sp], #16\n"
        ".cfi_restore 29\n"
        ".cfi_restore 30\n"
        ".cfi_def_cfa_offset 0\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_crash_call_on, . - hak_crash_call_on\n");

#endif
