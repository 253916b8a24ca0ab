/* Defines hak_leak_return_from_signal for aarch64, by which a handler returns to the kernel. */
#ifndef HAK_PLATFORM_AARCH64_SIGNAL_RETURN_H
#define HAK_PLATFORM_AARCH64_SIGNAL_RETURN_H

__asm__(".text\n"
        ".balign 4\n"
        ".type hak_leak_return_from_signal, %function\n"
        ".hidden hak_leak_return_from_signal\n"
        "hak_leak_return_from_signal:\n"
        "mov x8, #139\n" /* SYS_rt_sigreturn */
        "svc #0\n"
        ".size hak_leak_return_from_signal, . - hak_leak_return_from_signal\n");

#endif
