/* Reads the registers that the kernel keeps for an interrupted thread of x86-64 in its ucontext. */
#ifndef HAK_PLATFORM_X86_64_CONTEXT_H
#define HAK_PLATFORM_X86_64_CONTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/* Where general registers lie in it, in the order in which DWARF numbers them, as indices of words
 * behind HAK_CONTEXT_AT. */
#define HAK_CONTEXT_AT offsetof(ucontext_t, uc_mcontext.gregs)
/* clang-format off */
#define HAK_CONTEXT_PLACES \
    {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8, REG_R9, \
     REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP}
/* clang-format on */

/* Of the frame pointer, the stack pointer and the instruction pointer, the bytes before them. */
#define HAK_CONTEXT_FP_AT offsetof(ucontext_t, uc_mcontext.gregs[REG_RBP])
#define HAK_CONTEXT_SP_AT offsetof(ucontext_t, uc_mcontext.gregs[REG_RSP])
#define HAK_CONTEXT_IP_AT offsetof(ucontext_t, uc_mcontext.gregs[REG_RIP])

static inline uint64_t hak_context_word(const ucontext_t *context, unsigned place) {
    return (uint64_t)context->uc_mcontext.gregs[place];
}
static inline uint64_t hak_context_ip(const ucontext_t *context) {
    return (uint64_t)context->uc_mcontext.gregs[REG_RIP];
}
/* Where the thread goes on. */
static inline void hak_context_set_ip(ucontext_t *context, const void *at) {
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)at;
}
static inline uint64_t hak_context_sp(const ucontext_t *context) {
    return (uint64_t)context->uc_mcontext.gregs[REG_RSP];
}

/* Signal handlers return to code of libc, sa_restorer. */
enum { HAK_LIBC_RESTORES = 1 };

/* The processor's exception, what it says of it, and the flags. The kernel always shows them, and
 * an address that none can have is an exception of its own. */
enum { HAK_CONTEXT_HAS_TRAP = 1 };
static inline uint32_t hak_context_trap(const ucontext_t *context) {
    return (uint32_t)context->uc_mcontext.gregs[REG_TRAPNO];
}
static inline uint32_t hak_context_trap_error(const ucontext_t *context) {
    return (uint32_t)context->uc_mcontext.gregs[REG_ERR];
}
static inline uint64_t hak_context_flags(const ucontext_t *context) {
    return (uint64_t)context->uc_mcontext.gregs[REG_EFL];
}

/* Copies the words of registers that may keep blocks, those of vectors too; returns how many. */
enum { HAK_CONTEXT_WORDS_MOST = 15 + 32 };
static inline unsigned hak_context_copy_words(const ucontext_t *context, uint64_t *words) {
    unsigned count = 0;
    for (int i = 0; i <= REG_RCX; i++) /* r8 to r15, then the eight others but rsp */
        words[count++] = (uint64_t)context->uc_mcontext.gregs[i];
    const struct _libc_fpstate *vectors = context->uc_mcontext.fpregs;
    if (vectors) {
        __builtin_memcpy(words + count, vectors->_xmm, sizeof vectors->_xmm);
        count += sizeof vectors->_xmm / (sizeof(uint64_t));
    }
    return count;
}

#endif
