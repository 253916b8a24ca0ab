/* Bounded waiting and waking through words of the session memory, and the clock for it.
 *
 * Thread and signal safety: async-signal-safe, errno is kept. */
#ifndef HAK_TRACE_WAIT_H
#define HAK_TRACE_WAIT_H

#include <linux/futex.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include "platform/raw_call.h"
#include "platform/run_time.h"
#include "trace/session.h"

#define HAK_SECOND_NS      1000000000ull
#define HAK_MILLISECOND_NS 1000000ull

/* Set in strict seccomp, where reading a clock kills. */
__attribute__((weak, visibility("hidden"))) _Atomic uint32_t hak_clock_is_barred;

/* Reads CLOCK_MONOTONIC in nanoseconds: the kernel's, since a preload may have put another in the
 * place of libc's, which may stand still and is not ready before its own constructor; libc's (from
 * the vdso) in a sandbox. Where it cannot be read each call is a millisecond, so that whoever waits
 * comes to an end. */
static inline uint64_t hak_monotonic_ns(void) {
    if (atomic_load_explicit(&hak_clock_is_barred, memory_order_relaxed))
        return atomic_fetch_add(&hak_clock_is_barred, 1) * HAK_MILLISECOND_NS;
    uint64_t ns = hak_clock_ns(CLOCK_MONOTONIC);
    if (ns != 0)
        return ns;
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * HAK_SECOND_NS + (uint64_t)now.tv_nsec;
}

/* Sleeps until `word` is woken, at most `ns`; returns at once when it does not hold `seen`. Wakes
 * of other processes count. May return early. */
static inline void hak_wait_on(_Atomic uint32_t *word, uint32_t seen, uint64_t ns) {
    struct timespec limit = {(time_t)(ns / HAK_SECOND_NS), (long)(ns % HAK_SECOND_NS)};
    (void)hak_raw_call(SYS_futex, word, FUTEX_WAIT, seen, &limit);
}

static inline void hak_sleep_ms(unsigned ms) {
    struct timespec nap = {ms / 1000, (long)(ms % 1000 * HAK_MILLISECOND_NS)};
    (void)hak_raw_call(SYS_nanosleep, &nap);
}

/* Wakes all who wait on `word`, in all processes. */
static inline void hak_wake(_Atomic uint32_t *word) {
    (void)hak_raw_call(SYS_futex, word, FUTEX_WAKE, INT_MAX);
}

/* Wakes who sleeps on the doorbell and tells how many these were: 1 = a worker lives and sleeps, 0
 * = it is awake, or dead. */
static inline long hak_ring_doorbell_wake(struct hak_session *session) {
    atomic_fetch_add(&session->doorbell, 1);
    return hak_raw_call(SYS_futex, &session->doorbell, FUTEX_WAKE, INT_MAX);
}

/* Tells the collector to look now. */
static inline void hak_ring_doorbell(struct hak_session *session) {
    atomic_fetch_add(&session->doorbell, 1);
    if (atomic_load(&session->collector_waits))
        hak_wake(&session->doorbell);
}

#endif
