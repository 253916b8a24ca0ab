/* Reads the registers and sets the debug registers of a stopped thread of x86-64, by ptrace. */
#ifndef HAK_PLATFORM_X86_64_TRACED_H
#define HAK_PLATFORM_X86_64_TRACED_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include "platform/raw_call.h"

static inline bool hak_traced_registers(int thread, struct user_regs_struct *registers) {
    return hak_raw_call(SYS_ptrace, PTRACE_GETREGS, thread, 0, registers) == 0;
}

/* True where the thread stands behind the system call `*call`, which has ended with EINTR. After a
 * handler, and outside of calls, orig_rax is -1. */
static inline bool hak_traced_was_interrupted(const struct user_regs_struct *registers,
                                              uint64_t *call) {
    *call = registers->orig_rax;
    return (int64_t)registers->rax == -EINTR;
}

/* Gives that call the result `result`: the kernel has yet to decide whether it is made again. */
static inline void hak_traced_set_result(int thread, long result) {
    (void)hak_raw_call(SYS_ptrace, PTRACE_POKEUSER, thread, offsetof(struct user, regs.rax),
                       result);
}

static inline uintptr_t hak_traced_sp(const struct user_regs_struct *registers) {
    return registers->rsp;
}
static inline uintptr_t hak_traced_ip(const struct user_regs_struct *registers) {
    return registers->rip;
}
static inline uintptr_t hak_traced_thread_pointer(int thread,
                                                  const struct user_regs_struct *registers) {
    (void)thread;
    return registers->fs_base;
}

/* Copies the words of registers that may keep blocks, those of vectors too; returns how many
 * (HAK_CONTEXT_WORDS_MOST of context.h). */
static inline unsigned hak_traced_copy_words(int thread, const struct user_regs_struct *general,
                                             uint64_t *to) {
    struct user_fpregs_struct vector;
    const uint64_t words[] = {general->rax, general->rbx, general->rcx, general->rdx, general->rsi,
                              general->rdi, general->rbp, general->r8,  general->r9,  general->r10,
                              general->r11, general->r12, general->r13, general->r14, general->r15};
    enum { GENERAL = sizeof words / sizeof *words };
    __builtin_memcpy(to, words, sizeof words);
    if (hak_raw_call(SYS_ptrace, PTRACE_GETFPREGS, thread, 0, &vector) != 0)
        return GENERAL;
    __builtin_memcpy(to + GENERAL, vector.xmm_space, sizeof vector.xmm_space);
    return GENERAL + sizeof vector.xmm_space / (sizeof(uint64_t));
}

/* Debug registers by their numbers: 0 or a negative errno; 0 if it cannot be read. */
enum { HAK_HAS_DEBUG_REGISTERS = 1 };
static inline long hak_debug_register_write(int thread, unsigned number, uint64_t value) {
    return hak_raw_call(SYS_ptrace, PTRACE_POKEUSER, thread,
                        offsetof(struct user, u_debugreg) + number * sizeof value, value);
}
static inline uint64_t hak_debug_register_read(int thread, unsigned number) {
    uint64_t value = 0;
    (void)hak_raw_call(SYS_ptrace, PTRACE_PEEKUSER, thread,
                       offsetof(struct user, u_debugreg) + number * sizeof value, &value);
    return value;
}

#endif
