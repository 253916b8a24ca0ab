/* Reads the registers of a stopped thread of aarch64, by ptrace. Its debug registers are not used:
 * they stop a thread in front of the access, and the way past it could not be tried (docs/arm.md).
 */
#ifndef HAK_PLATFORM_AARCH64_TRACED_H
#define HAK_PLATFORM_AARCH64_TRACED_H

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include "platform/raw_call.h"

/* Reads a set of registers; false: not all of it. */
static inline bool hak_traced_set_of(int thread, int which, void *to, size_t bytes) {
    struct iovec set = {to, bytes};
    return hak_raw_call(SYS_ptrace, PTRACE_GETREGSET, thread, which, &set) == 0 &&
           set.iov_len == bytes;
}

static inline bool hak_traced_registers(int thread, struct user_regs_struct *registers) {
    return hak_traced_set_of(thread, NT_PRSTATUS, registers, sizeof *registers);
}

/* False: before it stops, the kernel has decided whether a call is made again, and the call's first
 * argument is gone. */
static inline bool hak_traced_was_interrupted(const struct user_regs_struct *registers,
                                              uint64_t *call) {
    (void)registers;
    *call = 0;
    return false;
}
static inline void hak_traced_set_result(int thread, long result) {
    (void)thread;
    (void)result;
}

static inline uintptr_t hak_traced_sp(const struct user_regs_struct *registers) {
    return registers->sp;
}
static inline uintptr_t hak_traced_ip(const struct user_regs_struct *registers) {
    return registers->pc;
}
static inline uintptr_t hak_traced_thread_pointer(int thread,
                                                  const struct user_regs_struct *registers) {
    uint64_t pointer = 0;
    (void)registers;
    (void)hak_traced_set_of(thread, NT_ARM_TLS, &pointer, sizeof pointer);
    return pointer;
}

/* Copies the words of registers that may keep blocks, those of vectors too; returns how many
 * (HAK_CONTEXT_WORDS_MOST of context.h). */
static inline unsigned hak_traced_copy_words(int thread, const struct user_regs_struct *general,
                                             uint64_t *to) {
    struct user_fpsimd_struct vector;
    enum { GENERAL = sizeof general->regs / sizeof *to };
    __builtin_memcpy(to, general->regs, sizeof general->regs);
    if (!hak_traced_set_of(thread, NT_FPREGSET, &vector, sizeof vector))
        return GENERAL;
    __builtin_memcpy(to + GENERAL, vector.vregs, sizeof vector.vregs);
    return GENERAL + sizeof vector.vregs / (sizeof(uint64_t));
}

enum { HAK_HAS_DEBUG_REGISTERS = 0 };
static inline long hak_debug_register_write(int thread, unsigned number, uint64_t value) {
    (void)thread;
    (void)number;
    (void)value;
    return -ENODEV;
}
static inline uint64_t hak_debug_register_read(int thread, unsigned number) {
    (void)thread;
    (void)number;
    return 0;
}

#endif
