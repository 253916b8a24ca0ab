/* The heap over time: the blocks that each process and stack got and gave back in each step. The
 * live blocks after any step, and those that came and went in consecutive steps, are sums of these.
 *
 *   from ---- step 0 ----|---- step 1 ----|- step 2 -|- step 3 -| ... to
 *                      event            event      peak       event        (steps end behind one)
 *                        |
 *             changes: row 0, row 7, ...   rows that did not change have none
 *
 * Its sums equal those of hak_flow_read for the same two events, to the byte. Made of the runs of
 * the stored profile where the capture has them (history/heap.h) and all processes are asked for
 * from the start, each step then ends with a run; else in one scan of the events (history/flow.h).
 * For one thread; the caller frees it. */
#ifndef HAK_VIEWER_PROFILE_TIMELINE_H
#define HAK_VIEWER_PROFILE_TIMELINE_H

#include "store/history/history.h"

struct timeline_query {
    uint64_t from, to;    /* events: those after `from`, up to `to`; 0 = the start, the end */
    uint32_t process;     /* row id, 0 = all */
    uint64_t brief_calls; /* N of short-lived; 0 = 1 */
    uint32_t steps;       /* parts of the time, 1 at least; those without an event are left out */
};

/* The changes of a row in one step: live after = live before + inherited + came - went - left. */
struct timeline_change {
    uint32_t row; /* of timeline.flow.row */
    struct hak_amount inherited, came, went, brief, left;
};

struct timeline_step {
    uint64_t event; /* the last one in it */
    uint64_t ns;    /* the newest time up to this event; of the last step: the end */
    /* Held at once in it. Out of runs the most is never less than what was held, but may be more
     * where several processes ran, and the least is that of the ends of runs. */
    uint64_t most_bytes, least_bytes;
    struct hak_amount live;  /* of all rows behind it */
    uint32_t first, changes; /* in timeline.change, by row */
};

struct timeline {
    struct hak_flow flow; /* rows (process, stack), with what they held at `from`; totals, peaks */
    struct timeline_step *step;
    uint32_t steps;
    bool is_of_runs; /* of the stored profile; `unknown` has no bytes, peaks of processes no blocks
                      */
    int64_t peak_step; /* ends behind the peak's event; -1 = nothing came, the peak is `from` */
    struct timeline_change *change;
    uint32_t changes;
};

/* Fills `out`, which the caller frees in any case. 0, or the store's error. */
int timeline_read(struct hak_store_reader *r, const struct timeline_query *query,
                  struct timeline *out);
/* timeline_runs.c: reads the timeline from the runs: 1; 0: they do not have it; or the store's
 * error. */
int timeline_read_runs(struct hak_store_reader *r, const struct timeline_query *query,
                       struct timeline *out);
/* timeline_sampled.c: reads the timeline of a sampled profile: a step for each time that it was
 * read. As timeline_read_runs. */
int timeline_read_sampled(struct hak_store_reader *r, const struct timeline_query *query,
                          struct timeline *out);
/* Orders numbers of rows, for qsort. */
int timeline_compare_rows(const void *a, const void *b);
void timeline_free(struct timeline *timeline);

/* Sums of one row between two steps. */
struct timeline_sums {
    struct hak_amount before, inherited, came, went, brief, left, live;
    struct hak_amount inherited_before; /* up to there */
};

/* The part of what a row holds that is its own: a child shares what it inherited with its parent,
 * and frees that first. */
static inline struct hak_amount timeline_own(struct hak_amount held, struct hak_amount inherited) {
    return (struct hak_amount){held.blocks > inherited.blocks ? held.blocks - inherited.blocks : 0,
                               held.bytes > inherited.bytes ? held.bytes - inherited.bytes : 0};
}

/* Fills `out`, one for each row, with what happened in the steps first..last; `before` is what was
 * live before `first`, `live` behind `last`. `last` < `first`: what was live before `first`. */
void timeline_add_up(const struct timeline *timeline, uint32_t first, int64_t last,
                     struct timeline_sums *out);
/* The last step that ends at `ns` or before it; -1 = it lies in the first step. */
int64_t timeline_step_at(const struct timeline *timeline, uint64_t ns);

#endif
