/* Keeps signal handlers of the program away for a while.
 *
 * Thread and signal safety: of the calling thread alone; async-signal-safe, errno is kept. */
#ifndef HAK_PLATFORM_BLOCK_SIGNALS_H
#define HAK_PLATFORM_BLOCK_SIGNALS_H

#include <stdint.h>
#include "platform/raw_call.h"

/* Signals that are not blocked, by hakmem or the program, as a mask of the kernel's: SIGTRAP where
 * the kernel would end the process for a debug register (watch/traced.c), else none. */
__attribute__((weak, visibility("hidden"))) uint64_t hak_kept_signals;

/* Blocks all other signals of the calling thread; `before` gets the mask to restore. Faults that
 * the kernel raises still kill. */
static inline void hak_block_signals(uint64_t *before) {
    uint64_t all = ~hak_kept_signals;
    (void)hak_raw_call(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &all, before, 8);
}
static inline void hak_restore_signals(const uint64_t *before) {
    (void)hak_raw_call(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, before, 0, 8);
}

#endif
