/* Turns a session's TSC ticks into nanoseconds since the capture's start.
 *
 *   ticks  0 ---------- anchor ---------- latest anchor (the last cut)
 *   ns     start        |    <- a straight line between two anchors ->   |
 *
 * At each cut the worker reads TSC and CLOCK_MONOTONIC together: that is an anchor. Times between
 * two anchors lie on the line between them, so they never go back from one cut to the next and are
 * exact at every anchor, whatever the TSC's rate is. */
#ifndef HAK_COLLECTOR_CLOCK_H
#define HAK_COLLECTOR_CLOCK_H

#include <stdint.h>
#include <time.h>

struct hak_clock {
    uint64_t tsc_start; /* the session's tick 0 */
    uint64_t ticks, ns; /* the anchor before */
    uint64_t latest_ticks, latest_ns;
    uint64_t rate; /* ns in a tick, times 2^40 */
};

#define HAK_CLOCK_SHIFT   40
#define HAK_CLOCK_STEP_NS 16

/* Cuts lie this far behind the present: more than two processors may disagree in the order of a
 * read of the TSC and of a store that another thread sees (far below 1 us). */
#define HAK_CUT_MARGIN_TICKS 4096
#define HAK_ANCHOR_NS        10000000 /* anchors are at least this far apart */

static inline uint64_t hak_clock_monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t hak_clock_ticks(const struct hak_clock *c) {
    return __builtin_ia32_rdtsc() - c->tsc_start;
}

/* `start_ns`: what tick 0 is, in ns since the capture's start. */
static inline void hak_clock_start(struct hak_clock *c, uint64_t tsc_start, uint64_t start_ns) {
    *c = (struct hak_clock){.tsc_start = tsc_start,
                            .ns = start_ns,
                            .latest_ns = start_ns,
                            .rate = (uint64_t)1 << (HAK_CLOCK_SHIFT - 1)};
}

/* A new anchor: tick `ticks` is `ns`. A pair that cannot be right (outside 100 MHz .. 10 GHz) is
 * left out: a header may hold anything. */
static inline void hak_clock_anchor(struct hak_clock *c, uint64_t ticks, uint64_t ns) {
    if (ns < c->latest_ns + HAK_ANCHOR_NS && c->latest_ticks != 0)
        return;
    if (ticks <= c->latest_ticks || ns <= c->latest_ns)
        return;
    double rate = (double)(ns - c->latest_ns) / (double)(ticks - c->latest_ticks);
    if (rate < 0.1 || rate > 10)
        return;
    c->ticks = c->latest_ticks;
    c->ns = c->latest_ns;
    c->latest_ticks = ticks;
    c->latest_ns = ns;
    c->rate = (uint64_t)(rate * (double)((uint64_t)1 << HAK_CLOCK_SHIFT) + 0.5);
}

/* Nanoseconds of a tick as exactly as they are known: to merge by. */
static inline uint64_t hak_clock_exact_ns(const struct hak_clock *c, uint64_t ticks) {
    __int128 product = (__int128)(int64_t)(ticks - c->ticks) * (int64_t)c->rate;
    product += (int64_t)1 << (HAK_CLOCK_SHIFT - 1);
    int64_t ns = (int64_t)(c->ns + (uint64_t)(int64_t)(product >> HAK_CLOCK_SHIFT));
    return ns < 0 ? 0 : (uint64_t)ns;
}

/* As the store has all times: in steps of 16 ns (docs/specs/event-log.md). */
static inline uint64_t hak_clock_round(uint64_t ns) {
    return ns & ~(uint64_t)(HAK_CLOCK_STEP_NS - 1);
}
static inline uint64_t hak_clock_ns(const struct hak_clock *c, uint64_t ticks) {
    return hak_clock_round(hak_clock_exact_ns(c, ticks));
}

#endif
