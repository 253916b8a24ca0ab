/* Requests that are served before the next call of the malloc family. */
#ifndef HAK_GUARD_ASKED_H
#define HAK_GUARD_ASKED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "block.h"

/* Bits of hak_asked_for; 0 = nothing is asked for. */
enum {
    HAK_ASKED_SWEEP = 1,         /* HAKMEM_SWEEP_SIGNAL came */
    HAK_ASKED_EVERY = 2,         /* HAKMEM_SWEEP_EVERY counts calls; stays set */
    HAK_ASKED_LEAKS = 4,         /* HAKMEM_LEAKS_SIGNAL came */
    HAK_ASKED_CONTROL = 1 << 24, /* `hakmem-trace ctl` set this byte from outside (control.h) */
};
HAK_HIDDEN extern _Atomic uint32_t hak_asked_for;

/* The leak scan, which is a folder above; set before the first signal is heard, or NULL. */
HAK_HIDDEN extern void (*hak_answer_leaks)(void);

/* Does what was asked for: sweeps, scans for leaks, serves ctl. On the thread that calls the malloc
 * family, before that call has begun. */
HAK_HIDDEN HAK_COLD void hak_answer(void);
static inline bool hak_is_asked(void) {
    return atomic_load_explicit(&hak_asked_for, memory_order_relaxed) != 0;
}
static inline void hak_answer_if_asked(void) {
    if (HAK_UNLIKELY(hak_is_asked()))
        hak_answer();
}

/* Begins, at start, to hear the signals and ctl. It is never called in a sanitizer's program, whose
 * functions in front of libc's crash in a constructor of ours. */
HAK_HIDDEN void hak_asked_start(void);
HAK_HIDDEN extern bool hak_asked_is_started;

#endif
