/* One instruction as a function, with the registers that it takes; the others are 0. */
#ifndef HAK_TESTS_INSTRUCTION_CASE_H
#define HAK_TESTS_INSTRUCTION_CASE_H

/* The case's registers, in this order; what they hold when it is done does not matter. */
struct registers {
    const void *rdi, *rsi;
    unsigned long rcx, rax, rdx;
};

#define CASE(name, code)                                                                           \
    static __attribute__((noinline)) void name(struct registers r) {                               \
        __asm__ volatile("xor %%ebx, %%ebx\n\txor %%r8d, %%r8d\n\txor %%r9d, %%r9d\n\t"            \
                         "xor %%r10d, %%r10d\n\txor %%r11d, %%r11d\n\txor %%r12d, %%r12d\n\t"      \
                         "xor %%r13d, %%r13d\n\txor %%r14d, %%r14d\n\txor %%r15d, %%r15d\n\t"      \
                         ".intel_syntax noprefix\n\t" code "\n\t.att_syntax\n\t"                   \
                         ".fill 12, 1, 0x90\n\tcld"                                                \
                         : "+D"(r.rdi), "+S"(r.rsi), "+c"(r.rcx), "+a"(r.rax), "+d"(r.rdx)         \
                         :                                                                         \
                         : "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",  \
                           "cc");                                                                  \
    }

#endif
