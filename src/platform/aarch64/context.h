/* Reads the registers that the kernel keeps for an interrupted thread of aarch64 in its ucontext.
 *
 *   x0 to x30, sp, pc, pstate | records, each with a magic number and its size: vectors, ESR, ...
 */
#ifndef HAK_PLATFORM_AARCH64_CONTEXT_H
#define HAK_PLATFORM_AARCH64_CONTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>
#include <asm/sigcontext.h>

/* Where general registers lie in it, in the order in which DWARF numbers them, as indices of words
 * behind HAK_CONTEXT_AT. */
#define HAK_CONTEXT_AT offsetof(ucontext_t, uc_mcontext.regs)
/* clang-format off */
#define HAK_CONTEXT_PLACES \
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, \
     25, 26, 27, 28, 29, 30, 31, 32}
/* clang-format on */

/* Of the frame pointer, the stack pointer and the instruction pointer, the bytes before them. */
#define HAK_CONTEXT_FP_AT offsetof(ucontext_t, uc_mcontext.regs[29])
#define HAK_CONTEXT_SP_AT offsetof(ucontext_t, uc_mcontext.sp)
#define HAK_CONTEXT_IP_AT offsetof(ucontext_t, uc_mcontext.pc)

static inline uint64_t hak_context_word(const ucontext_t *context, unsigned place) {
    uint64_t word;
    __builtin_memcpy(&word, (const char *)context + HAK_CONTEXT_AT + place * sizeof word,
                     sizeof word);
    return word;
}
static inline uint64_t hak_context_ip(const ucontext_t *context) {
    return context->uc_mcontext.pc;
}
/* Where the thread goes on. */
static inline void hak_context_set_ip(ucontext_t *context, const void *at) {
    context->uc_mcontext.pc = (uint64_t)(uintptr_t)at;
}
static inline uint64_t hak_context_sp(const ucontext_t *context) {
    return context->uc_mcontext.sp;
}

/* The record of this magic number; NULL: there is none. */
static inline const void *hak_context_record(const ucontext_t *context, uint32_t magic) {
    const unsigned char *at = context->uc_mcontext.__reserved;
    const unsigned char *end = at + sizeof context->uc_mcontext.__reserved;
    while ((size_t)(end - at) >= sizeof(struct _aarch64_ctx)) {
        const struct _aarch64_ctx *head = (const void *)at;
        if (head->magic == magic)
            return head;
        if (head->magic == 0 || head->size < sizeof *head || head->size > (size_t)(end - at))
            return NULL;
        at += head->size;
    }
    return NULL;
}

/* Signal handlers return to code of the kernel's, which libc does not name: sa_restorer is not
 * written. */
enum { HAK_LIBC_RESTORES = 0 };

/* The processor's exception and what it says of it, by the syndrome (ESR_EL1), in the numbers of
 * trace/crash/processor.h, which are x86-64's; 0 where the kernel does not show it. An address that
 * none can have is an exception like any other. */
enum { HAK_CONTEXT_HAS_TRAP = 0 };
static inline uint64_t hak_context_syndrome(const ucontext_t *context) {
    const struct esr_context *record = hak_context_record(context, ESR_MAGIC);
    return record ? record->esr : 0;
}
static inline uint32_t hak_context_trap(const ucontext_t *context) {
    enum { INSTRUCTION_ABORT = 0x20, DATA_ABORT = 0x24, PAGE = 14 };
    uint64_t kind = hak_context_syndrome(context) >> 26 & 0x3f;
    return kind == INSTRUCTION_ABORT || kind == DATA_ABORT ? PAGE : 0;
}
static inline uint32_t hak_context_trap_error(const ucontext_t *context) {
    enum { INSTRUCTION_ABORT = 0x20, DATA_ABORT = 0x24, WRITE = 2, FETCH = 16 };
    uint64_t syndrome = hak_context_syndrome(context), kind = syndrome >> 26 & 0x3f;
    return kind == INSTRUCTION_ABORT                             ? FETCH
           : kind == DATA_ABORT && (syndrome & 1 << 6 /* WnR */) ? WRITE
                                                                 : 0;
}
static inline uint64_t hak_context_flags(const ucontext_t *context) {
    return context->uc_mcontext.pstate;
}

/* Copies the words of registers that may keep blocks, those of vectors too; returns how many. */
enum { HAK_CONTEXT_WORDS_MOST = 31 + 64 };
static inline unsigned hak_context_copy_words(const ucontext_t *context, uint64_t *words) {
    unsigned count = sizeof context->uc_mcontext.regs / sizeof *words;
    __builtin_memcpy(words, context->uc_mcontext.regs, sizeof context->uc_mcontext.regs);
    const struct fpsimd_context *vectors = hak_context_record(context, FPSIMD_MAGIC);
    if (vectors) {
        __builtin_memcpy(words + count, vectors->vregs, sizeof vectors->vregs);
        count += sizeof vectors->vregs / (sizeof *words);
    }
    return count;
}

#endif
