/* Defines hak_copy_or_stop for x86-64 (platform/readable.c). */
#ifndef HAK_PLATFORM_X86_64_COPY_H
#define HAK_PLATFORM_X86_64_COPY_H

__asm__(".text\n"
        ".globl hak_copy_or_stop, hak_copy_at, hak_copy_stopped\n"
        ".hidden hak_copy_or_stop, hak_copy_at, hak_copy_stopped\n"
        ".type hak_copy_or_stop, @function\n"
        "hak_copy_or_stop:\n"
        ".cfi_startproc\n"
        "movq %rdx, %rcx\n"
        "hak_copy_at:\n"
        "rep movsb\n"
        "movl $1, %eax\n"
        "ret\n"
        "hak_copy_stopped:\n"
        "xorl %eax, %eax\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_copy_or_stop, . - hak_copy_or_stop\n");

#endif
