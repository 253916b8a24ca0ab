/* Makes a process with a stack of its own on aarch64 (trace/collector/launch.c). */
#ifndef HAK_PLATFORM_AARCH64_CLONE_H
#define HAK_PLATFORM_AARCH64_CLONE_H

#include <sys/syscall.h>

/* Calls clone with a stack of its own; the child calls run(argument), which does not return. */
static inline long hak_clone_on(unsigned long flags, void *stack_top, void (*run)(void *),
                                void *argument) {
    register long x8 __asm__("x8") = SYS_clone;
    register long x0 __asm__("x0") = (long)flags;
    register void *x1 __asm__("x1") = stack_top;
    register long x2 __asm__("x2") = 0;
    register long x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    register void (*x5)(void *) __asm__("x5") = run;
    register void *x6 __asm__("x6") = argument;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, #0\n\t"
                     "mov x30, #0\n\t"
                     "mov x0, x6\n\t"
                     "blr x5\n\t"
                     "brk #1\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x6)
                     : "memory");
    return x0;
}

#endif
