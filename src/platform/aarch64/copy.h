/* Defines hak_copy_or_stop for aarch64 (platform/readable.c). */
#ifndef HAK_PLATFORM_AARCH64_COPY_H
#define HAK_PLATFORM_AARCH64_COPY_H

__asm__(".text\n"
        ".balign 4\n"
        ".globl hak_copy_or_stop, hak_copy_at, hak_copy_stopped\n"
        ".hidden hak_copy_or_stop, hak_copy_at, hak_copy_stopped\n"
        ".type hak_copy_or_stop, %function\n"
        "hak_copy_or_stop:\n"
        ".cfi_startproc\n"
        "hint #34\n" /* bti c */
        "cbz x2, 1f\n"
        "hak_copy_at:\n"
        "ldrb w3, [x1], #1\n"
        "strb w3, [x0], #1\n"
        "subs x2, x2, #1\n"
        "b.ne hak_copy_at\n"
        "1: mov w0, #1\n"
        "ret\n"
        "hak_copy_stopped:\n"
        "mov w0, #0\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_copy_or_stop, . - hak_copy_or_stop\n");

#endif
