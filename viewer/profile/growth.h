/* The part of the time that shows growth, and the functions that still grow at its end.
 *
 *   live bytes            ________
 *     |         __/\/\/\_/        \      teardown: the last fall, which nothing follows
 *     |  /\____/     |             \
 *     +--------------|-----------|--\--> time
 *              the middle     the last moment before the teardown
 *
 * The span is the second half of the time before the teardown: what a program allocates once at its
 * start, and what it frees at its exit, is in neither. A function still grows when the least that
 * it holds rises from each sixth of the span's events to the next, and at last by a fourth of the
 * mean at least: what swings, what came at once and a cache that fills up do not. Nor does what
 * rose by less than it had fallen before the span. One thread. */
#ifndef HAK_VIEWER_PROFILE_GROWTH_H
#define HAK_VIEWER_PROFILE_GROWTH_H

#include "viewer/profile/timeline.h"

#define GROWTH_STEPS 300 /* of a timeline that is good for it */

struct growth {
    struct timeline timeline;
    int64_t from, to;        /* moments: after these steps; -1 = the start */
    uint64_t from_ns, to_ns; /* when they are, since the capture's start */
    bool has_teardown;       /* `to` is not the end */
};

/* Finds the span in growth->timeline, which is filled in. */
void growth_find(struct growth *growth);
/* Sets goes_on[g] of `groups` groups, where row i of the timeline belongs to group_of_row[i]
 * (UINT32_MAX = to none). False: no memory. */
bool growth_find_going_on(const struct growth *growth, const uint32_t *group_of_row,
                          uint32_t groups, bool *goes_on);
void growth_free(struct growth *growth);

#endif
