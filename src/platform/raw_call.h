/* One system call without libc: errno stays as it is, nothing can be interposed by the program and
 * no relocation is needed that ld.so would still have to resolve.
 *
 * Thread and signal safety: async-signal-safe. */
#ifndef HAK_PLATFORM_RAW_CALL_H
#define HAK_PLATFORM_RAW_CALL_H

/* One system call with up to six arguments; the result is the kernel's (negative = -errno). */
static inline long hak_raw_call(long number, long a, long b, long c, long d, long e, long f) {
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
