/* The places where faults were reported before, in a program that goes on after them: each is
 * reported once, or once in HAKMEM_REPORT_EVERY seconds, and counted in between.
 *
 *   place   hash of fault and stack (crash.c)
 *   table   place | when it was reported | faults since then, which nobody was told of
 *
 * A table of 1,024: where it is full, the place that was reported longest ago makes room once its
 * time is over; until then a new one is counted and not reported.
 *
 * Between hak_crash_enter and hak_crash_leave, or while nobody else runs: there is no lock. */
#ifndef HAK_TRACE_CRASH_PLACES_H
#define HAK_TRACE_CRASH_PLACES_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"

/* Was a fault at `place` (not 0) reported, or made known? */
HAK_HIDDEN bool hak_places_know(uint64_t place);

/* It is from now on, and never to be reported. */
HAK_HIDDEN void hak_places_add(uint64_t place);

/* A fault at `place` at `now_ns`, of which one is to be reported every `every_ns` (0: only one).
 * True: this one is, after `*unreported` that were not. */
HAK_HIDDEN bool hak_places_meet(uint64_t place, uint64_t now_ns, uint64_t every_ns,
                                uint64_t *unreported);

/* Faults that were met and that no report has told of, and none will. */
HAK_HIDDEN uint64_t hak_places_unreported(void);

/* In a forked child, whose parent tells of its own. */
HAK_HIDDEN void hak_places_forget_unreported(void);

#endif
