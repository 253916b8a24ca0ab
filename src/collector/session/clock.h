/* Turns a session's TSC ticks into nanoseconds since the capture's start.
 *
 *   ticks  0 ------- anchor ------- anchor ------- latest anchor (the last cut)
 *   ns     start       |     <- a straight line between each two ->      |
 *
 * At each cut the worker reads TSC and CLOCK_MONOTONIC together: that is an anchor. An older tick
 * lies on the line between the two anchors around it, in whichever cut it comes: so a later tick
 * never gets an earlier time, and times are exact at every anchor, whatever the TSC's rate is. */
#ifndef HAK_COLLECTOR_SESSION_CLOCK_H
#define HAK_COLLECTOR_SESSION_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "arch.h"
#include "collector/kernel/kernel.h"

#define HAK_CLOCK_LINES 256 /* older ones are known: records may come some cuts late */
#define HAK_CLOCK_TICKS ((uint64_t)1 << 60) /* years: more is a TSC before the session's start */

/* From an anchor to the next one; the newest goes on behind it. */
struct hak_clock_line {
    uint64_t ticks, ns; /* where it begins */
    uint64_t rate;      /* ns in a tick, times 2^40 */
};

struct hak_clock {
    uint64_t tsc_start; /* the session's tick 0 */
    struct hak_clock_line line;
    uint64_t latest_ticks, latest_ns; /* where it ends */
    uint32_t lines;                   /* that were before it; the last of them are kept */
    struct hak_clock_line before[HAK_CLOCK_LINES];
};

#define HAK_CLOCK_SHIFT   40
#define HAK_CLOCK_STEP_NS 16

/* Cuts lie this far behind the present: more than two processors may disagree in the order of a
 * read of the TSC and of a store that another thread sees (far below 1 us), twice: the second half
 * is the edge (cut_edge.h), whose records must be there, too. */
#define HAK_CUT_EDGE_TICKS   4096
#define HAK_CUT_MARGIN_TICKS (2 * HAK_CUT_EDGE_TICKS)

/* TSC and clock at one moment: read again when something came between them. */
static inline void hak_clock_read(uint64_t *tsc, uint64_t *ns) {
    enum { TRIES = 4, QUICK_TICKS = 1000 };
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < TRIES && least > QUICK_TICKS; i++) {
        uint64_t before = hak_ticks_now(), now = hak_time_ns();
        uint64_t took = hak_ticks_now() - before;
        if (took < least) {
            least = took;
            *tsc = before;
            *ns = now;
        }
    }
}

static inline uint64_t hak_clock_ticks(const struct hak_clock *c) {
    return hak_ticks_now() - c->tsc_start;
}

/* `start_ns`: the time of tick 0, in ns since the capture's start. */
static inline void hak_clock_start(struct hak_clock *c, uint64_t tsc_start, uint64_t start_ns) {
    *c = (struct hak_clock){.tsc_start = tsc_start, .latest_ns = start_ns};
    c->line = (struct hak_clock_line){.ns = start_ns, .rate = (uint64_t)1 << (HAK_CLOCK_SHIFT - 1)};
}

/* Takes a new anchor: tick `ticks` is `ns`. A first pair that cannot be right (outside 100 MHz ..
 * 10 GHz) is left out: a header may hold anything. Later ones never make time stand still or leap:
 * it is behind or ahead for a while when the machine slept between the two reads, or a TSC
 * jumps. */
static inline void hak_clock_anchor(struct hak_clock *c, uint64_t ticks, uint64_t ns) {
    bool is_first = c->latest_ticks == 0;
    if (ticks <= c->latest_ticks || ticks >= HAK_CLOCK_TICKS || (is_first && ns <= c->latest_ns))
        return;
    uint64_t span = ticks - c->latest_ticks;
    uint64_t least = c->latest_ns + (span >> 8) + 1, most = c->latest_ns + 10 * span;
    double rate = (double)(ns - c->latest_ns) / (double)span;
    if (is_first && (rate < 0.1 || rate > 10))
        return;
    ns = ns < least ? least : ns > most ? most : ns;
    if (!is_first)
        c->before[c->lines++ % HAK_CLOCK_LINES] = c->line;
    rate = (double)(ns - c->latest_ns) / (double)span;
    c->line.ticks = c->latest_ticks;
    c->line.ns = c->latest_ns;
    c->line.rate = (uint64_t)(rate * (double)((uint64_t)1 << HAK_CLOCK_SHIFT));
    c->latest_ticks = ticks;
    c->latest_ns = ns;
}

/* The rate is rounded down, so that a line ends no later than the next one begins. */
static inline uint64_t hak_clock_on_line(const struct hak_clock_line *line, uint64_t ticks) {
    __int128 product = (__int128)(int64_t)(ticks - line->ticks) * (int64_t)line->rate;
    product += (int64_t)1 << (HAK_CLOCK_SHIFT - 1);
    int64_t ns = (int64_t)(line->ns + (uint64_t)(int64_t)(product >> HAK_CLOCK_SHIFT));
    return ns < 0 ? 0 : (uint64_t)ns;
}

/* Nanoseconds of a tick as exactly as they are known: to merge by. */
static inline uint64_t hak_clock_exact_ns(const struct hak_clock *c, uint64_t ticks) {
    const struct hak_clock_line *line = &c->line;
    for (uint32_t i = 1; ticks < line->ticks && i <= c->lines && i <= HAK_CLOCK_LINES; i++)
        line = &c->before[(c->lines - i) % HAK_CLOCK_LINES];
    return hak_clock_on_line(line, ticks);
}

/* As the store has all times: in steps of 16 ns (docs/specs/event-log.md). */
static inline uint64_t hak_clock_round(uint64_t ns) {
    return ns & ~(uint64_t)(HAK_CLOCK_STEP_NS - 1);
}
static inline uint64_t hak_clock_ns(const struct hak_clock *c, uint64_t ticks) {
    return hak_clock_round(hak_clock_exact_ns(c, ticks));
}

#endif
