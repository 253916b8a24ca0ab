/* Defines hak_leak_return_from_signal for x86-64, by which a handler returns to the kernel. */
#ifndef HAK_PLATFORM_X86_64_SIGNAL_RETURN_H
#define HAK_PLATFORM_X86_64_SIGNAL_RETURN_H

__asm__(".text\n"
        ".type hak_leak_return_from_signal, @function\n"
        ".hidden hak_leak_return_from_signal\n"
        "hak_leak_return_from_signal:\n"
        "movl $15, %eax\n"
        "syscall\n"
        ".size hak_leak_return_from_signal, . - hak_leak_return_from_signal\n");

#endif
