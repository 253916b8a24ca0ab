/* Makes a process with a stack of its own on x86-64 (trace/collector/launch.c). */
#ifndef HAK_PLATFORM_X86_64_CLONE_H
#define HAK_PLATFORM_X86_64_CLONE_H

#include <sys/syscall.h>

/* Calls clone with a stack of its own; the child calls run(argument), which does not return. */
static inline long hak_clone_on(unsigned long flags, void *stack_top, void (*run)(void *),
                                void *argument) {
    long result;
    register void *stack __asm__("rsi") = stack_top;
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    register void (*r12)(void *) __asm__("r12") = run;
    register void *r13 __asm__("r13") = argument;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "movq %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "ud2\n"
                     "1:"
                     : "=a"(result)
                     : "a"(SYS_clone), "D"(flags), "r"(stack), "d"(0), "r"(r10), "r"(r8), "r"(r12),
                       "r"(r13)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
