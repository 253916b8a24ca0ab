/* Joins neighbouring runs of states to one run over all of them: the writer makes the runs of
 * higher levels so, the check verifies them so. */
#ifndef HAK_STORE_LIVE_MERGE_H
#define HAK_STORE_LIVE_MERGE_H

#include "store/live/run.h"

#define HAK_LIVE_RUNS_MAX 32

/* The next block of neighbouring stretches, oldest first, joined over all that have it: 1, 0 none
 * is left below base `below` (0 = all), or an error. `is_one_holder`: they are of a process and
 * those that it was forked from, so that a block is known by its base alone. */
int hak_live_join_next(struct hak_live_cursor *cursors, uint32_t count, uint64_t below,
                       bool is_one_holder, struct hak_live_state *out);

struct hak_live_merge {
    struct hak_live_run run; /* over all that were added: first, last, greatest time */
    uint32_t cursors;
    struct hak_live_cursor cursor[HAK_LIVE_RUNS_MAX];
};

/* Adds the run behind those that are there; at most HAK_LIVE_RUNS_MAX. 0 or an error. */
int hak_live_merge_add(struct hak_live_merge *m, const struct hak_database *db,
                       const struct hak_live_run *run);
/* The next state that a run over all needs: 1, 0 at the end, or an error. */
int hak_live_merge_next(struct hak_live_merge *m, struct hak_live_state *out);
void hak_live_merge_close(struct hak_live_merge *m);

#endif
