/* Makes a system call on x86-64. */
#ifndef HAK_PLATFORM_X86_64_CALL_H
#define HAK_PLATFORM_X86_64_CALL_H

/* The architecture of these calls, as seccomp's filters see it (linux/audit.h). */
#define HAK_CALL_ARCHITECTURE AUDIT_ARCH_X86_64

/* Makes one system call with up to six arguments, whatever comes of it, as the program itself asked
 * for it; the result is the kernel's (negative = -errno). */
static inline long hak_raw_call_always(long number, long a, long b, long c, long d, long e,
                                       long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
