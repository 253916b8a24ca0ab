/* Chooses the program's calls that get a guarded block in level light (light.h), policy sample:N.
 *
 *   a thread's calls   . . . . . . . look . . . . . . . . . look . . . . look . .
 *                      one in HAK_SAMPLE_INTERVAL at random: no loop keeps step with it; one in
 *                      twice as many where looks come faster than they could be paid for
 *
 *   look --> site: the call, its caller's and the depth of the stack there; its looks are counted
 *              |
 *              +-- has at most a quarter of the looks of the mean site --> seldom:  credit 1, or 2
 *              +-- has more                                            --> common:  credit 2
 *              +-- has SITE_LIVE guarded blocks that live, or all sites have LIVE --> none
 *              +-- none of its blocks came back yet, and it has one, or all sites have
 *                  EACH_DOUBLING for each bit of the number of calls --> none
 *
 * A credit is a share of the time that the thread ran, and is charged with what guarded blocks
 * took, by measurement. That of the seldom sites may be overdrawn, since they cannot wait for their
 * turn; what it cannot save up goes to the other one. A third one, of a hundredth, is charged with
 * what debug registers took and with the time for which they stood: whatever they slow down
 * meanwhile, they cannot cost more. And a call that sets one takes longer than any other: so that
 * fewer than one call in 10,000 is that long, there is one in CALLS_OF_REGISTER.
 *
 * A heap profile (heap_profile/heap_profile.h) uses the same looks, and is asked at each of them.
 * It may want more of them than guarded blocks: these are chosen at so many looks as they want
 * then.
 *
 * HAKMEM_GUARD=sample:N, N above 0: one in N calls, whatever it costs; so all is one in one.
 *
 * Ownership: credits and counters belong to the thread; sites to the process, without a lock: two
 * threads may count one of two looks, or give one place to two sites.
 *
 * Thread and signal safety: any thread, in a signal handler. A system call or two in a thousandth
 * of a second. */
#ifndef HAK_GUARD_CHOOSE_SAMPLE_H
#define HAK_GUARD_CHOOSE_SAMPLE_H

#include "hop.h"

enum {
    HAK_SAMPLE_INTERVAL = 256,
    HAK_SAMPLE_SITE_LIVE = 2,
    HAK_SAMPLE_LIVE = 128, /* two thirds of the pages that level light has for live blocks */
    HAK_SAMPLE_EACH_DOUBLING = 3,
    HAK_SAMPLE_CALLS_OF_REGISTER = 20000,
};

/* One call in so many gets a guarded block; 0: as it costs. May be written while the process runs,
 * also from outside, but not from or to HAK_SAMPLE_NEVER: each thread follows at its next look. */
HAK_HIDDEN extern _Atomic uint64_t hak_sample_every;
#define HAK_SAMPLE_NEVER UINT64_MAX

/* At start, after the options were read. */
HAK_HIDDEN void hak_sample_start(void);

/* Calls until the next look of the calling thread, from 1. With a heap profile each call is one
 * with the same chance, whatever was before. */
HAK_HIDDEN uint16_t hak_sample_interval(void);

/* The mean of the intervals from which the last one was drawn. */
HAK_HIDDEN uint64_t hak_sample_gap(void);

/* A look at a call that returns to `*call`, from `frame` of a function of hakmem
 * (__builtin_frame_address(0)). Returns its site, from 1; 0: it gets no guarded block. */
HAK_HIDDEN uint32_t hak_sample_look(hak_call_t call, const void *frame);

/* A block of the site was guarded, or given back; which took so many ticks. */
HAK_HIDDEN void hak_sample_taken(uint32_t site, uint64_t ticks);
HAK_HIDDEN void hak_sample_given(uint32_t site, uint64_t ticks);

/* The calling thread may put a debug register at a block; one was set, and may stand for so many
 * ticks; it took so many; it did not take so many of them. */
HAK_HIDDEN bool hak_sample_may_watch(void);
HAK_HIDDEN void hak_sample_register_set(uint64_t ticks);
HAK_HIDDEN void hak_sample_watched(uint64_t ticks);
HAK_HIDDEN void hak_sample_not_watched(uint64_t ticks);

/* Time that guarded blocks took so far, in all threads, each by its own run time. */
HAK_HIDDEN extern _Atomic uint64_t hak_sample_ns;

/* How many calls there were, to an interval of each thread, and how many blocks of them were
 * guarded. */
HAK_HIDDEN uint64_t hak_sample_calls(void);
HAK_HIDDEN uint64_t hak_sample_blocks(void);

#endif
