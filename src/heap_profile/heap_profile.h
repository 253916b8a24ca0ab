/* The sampled heap profile: who holds how much memory, by stack, estimated from few blocks.
 *
 *   light's look, or a large block --weigh--> 0: not this one
 *                                      |
 *                                      v weight 1/p                    reader outside (table.h)
 *      stack, time --> came --> | live samples | --> site: came_* <----- sites, nodes
 *                                      |
 *      free -------> went <------------+        --> site: went_*, lived_us
 *
 *   chance.h   probabilities and random gaps
 *   sites.c    the table that readers see: stacks and their sums
 *   points.c   when a thread's next one is due
 *   live.c     a number for each sampled block that lives, and its weight
 *   when.h     when the table is due in a file (HAKMEM_HEAP_PROFILE_DUMP); dump.h: its copy there
 *
 * Memory: reserved at the first sample, and touched as it fills. The table is 1.5 MiB when it is
 * full; a live sample takes 32 bytes, 1/16,384 of what it stands for. A stack without a place goes
 * to site 0, a sample without one is counted as missing.
 *
 * Lock: one bit while a stack is entered that is new. Nobody waits for it long: a signal handler
 * that interrupted its holder uses site 0, and the child of a fork takes it away. Everything else
 * are single atomic steps.
 *
 * Thread and signal safety: all of it, but for the start. May call: platform. */
#ifndef HAK_HEAP_PROFILE_H
#define HAK_HEAP_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "heap_profile/chance.h"
#include "heap_profile/table.h"
#include "heap_profile/when.h"

/* The largest blocks that are sampled at looks, and calls between two looks at most: what level
 * light has (light.h, guard/choose/sample.h). */
enum { HAK_HEAP_PROFILE_LOOK_BYTES = 2048, HAK_HEAP_PROFILE_GAP = 256 };

/* At start: mean bytes between two samples; 0: there is no profile. The table's rate may be written
 * later, also from outside (`ctl PID set profile=RATE`), but not from or to 0: a sample counts for
 * what it stood for when it was taken. */
HAK_HIDDEN void hak_heap_profile_start(uint64_t rate);

/* The table; NULL: there is no profile. */
HAK_HIDDEN const struct hak_heap_profile *hak_heap_profile_table(void);

/* Mean calls from one look to the next that the profile is to have; 0: there is no profile. */
HAK_HIDDEN uint64_t hak_heap_profile_gap(void);

/* A look at one call in `gap` finds a block of so many bytes: for how many it stands, 1 / p; 0: it
 * is not taken. */
HAK_HIDDEN double hak_heap_profile_weigh_look(size_t bytes, uint64_t gap, uint64_t random);

/* The same of a block in which a point of the bytes lay, of a gap that was drawn at `rate`. */
HAK_HIDDEN double hak_heap_profile_weigh_point(size_t bytes, uint64_t rate);

/* Bytes to the next such point, from 1; INT64_MAX where there is no profile. `*rate` is the one at
 * which it was drawn. */
HAK_HIDDEN int64_t hak_heap_profile_next_point(uint64_t random, uint64_t *rate);

/* 64 random bits of the calling thread's (points.c). */
HAK_HIDDEN uint64_t hak_heap_profile_random(void);

/* Draws the thread's bytes to its next point anew, if the rate is another one since. */
HAK_HIDDEN void hak_heap_profile_renew_point(int64_t *until_point);

/* Whether that is still the rate. Else the gap may be drawn anew at any moment that does not depend
 * on its end: the process of points has no memory. */
HAK_HIDDEN bool hak_heap_profile_has_rate(uint64_t rate);

/* A block that is to be sampled. */
struct hak_heap_sample {
    size_t bytes;       /* that were asked for */
    size_t extra_bytes; /* memory that it takes since it is sampled */
    double weight;
};

/* True when the sampled blocks may take so many bytes more; else the sample is counted as missing.
 */
HAK_HIDDEN bool hak_heap_profile_has_room(const struct hak_heap_sample *sample);

/* The block came to the program by a call whose return addresses are `ips`, innermost first.
 * Returns its number; 0: it has none, and is counted as missing. */
HAK_HIDDEN uint32_t hak_heap_profile_came(const struct hak_heap_sample *sample,
                                          const uintptr_t *ips, size_t count, uint64_t now_ns);

/* The bytes that were asked for of a sampled block that lives. */
HAK_HIDDEN size_t hak_heap_profile_bytes_of(uint32_t number);

/* The block of that number went back, which is nobody's now. */
HAK_HIDDEN void hak_heap_profile_went(uint32_t number, uint64_t now_ns);

/* The bytes that live, as estimated. */
HAK_HIDDEN int64_t hak_heap_profile_live_bytes(void);

/* In the child of a fork, on its only thread: the table is its own copy. */
HAK_HIDDEN void hak_heap_profile_after_fork(void);

/* Gives back the pages that mlockall has filled and nobody uses. NULL in hakmem-record.so. */
HAK_HIDDEN void hak_heap_profile_empty(void) __attribute__((weak));

#endif
