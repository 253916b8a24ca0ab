/* Makes a system call on aarch64. */
#ifndef HAK_PLATFORM_AARCH64_CALL_H
#define HAK_PLATFORM_AARCH64_CALL_H

/* The architecture of these calls, as seccomp's filters see it (linux/audit.h). */
#define HAK_CALL_ARCHITECTURE AUDIT_ARCH_AARCH64

/* Makes one system call with up to six arguments, whatever comes of it, as the program itself asked
 * for it; the result is the kernel's (negative = -errno). */
static inline long hak_raw_call_always(long number, long a, long b, long c, long d, long e,
                                       long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

#endif
