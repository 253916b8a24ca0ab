/* Keeps signal handlers of the program away for a while.
 *
 * Thread and signal safety: of the calling thread alone; async-signal-safe, errno is kept. */
#ifndef HAK_PLATFORM_BLOCK_SIGNALS_H
#define HAK_PLATFORM_BLOCK_SIGNALS_H

#include <stdint.h>
#include "platform/raw_call.h"
#include HAK_ARCH_FILE(stepping.h)

enum {
    HAK_WAS_STEPPED = 1u << 8, /* in a saved mask: SIGKILL's bit, which the kernel never sets */
};

/* A program that steps through itself would be ended by the kernel at the first instruction with
 * SIGTRAP blocked: returns HAK_WAS_STEPPED where it did, and stops the stepping; else 0. */
static inline uint64_t hak_stop_stepping(void) {
    return hak_stop_trap_flag() ? HAK_WAS_STEPPED : 0;
}

/* Sets the trap flag again if hak_stop_stepping cleared it. */
static inline void hak_step_again(uint64_t mask) {
    if (mask & HAK_WAS_STEPPED)
        hak_set_trap_flag();
}

/* Signals that are not blocked, by hakmem or the program, as a mask of the kernel's: SIGTRAP where
 * the kernel would end the process for a debug register (watch/traced.c), else none. */
__attribute__((weak, visibility("hidden"))) uint64_t hak_kept_signals;

/* Blocks all signals of the calling thread but those that are kept, and `others`, and stops its
 * stepping; `before` gets what to restore. Faults that the kernel raises still kill. */
static inline void hak_block_signals_but(uint64_t others, uint64_t *before) {
    uint64_t all = ~(hak_kept_signals | others), stepped = hak_stop_stepping();
    *before = 0; /* and stays so in a sandbox that forbids the call */
    (void)hak_raw_call(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &all, before, 8);
    *before |= stepped;
}
static inline void hak_block_signals(uint64_t *before) {
    hak_block_signals_but(0, before);
}
static inline void hak_restore_signals(const uint64_t *before) {
    (void)hak_raw_call(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, before, 0, 8);
    hak_step_again(*before);
}

#endif
