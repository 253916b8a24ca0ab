/* The play: the calls of one process as the play file has them, and what was left out.
 */
#ifndef HAK_VIEWER_REPLAY_PLAN_H
#define HAK_VIEWER_REPLAY_PLAN_H

#include "viewer/replay/streams.h"
#include "viewer/cli/cli.h"

struct plan {
    struct view *view;
    uint32_t process; /* row id */
    struct streams streams;
    struct play_head head;
    uint64_t taken, reallocs, frees; /* calls that are played */
    uint64_t aligned;  /* of those that took a block: at an alignment that is inferred */
    uint64_t waits;    /* for other threads */
    uint64_t handed;   /* blocks that another thread resized or freed */
    uint64_t left_out; /* frees and resizes of blocks whose allocation is not in the capture */
    uint64_t wrong;    /* calls that were a fault */
    uint64_t pieces;   /* guarded blocks that are pieces of the program's own pools */
    uint64_t late;     /* calls of a thread after its end, which another one makes */
    uint64_t first_ns, last_ns;
    uint64_t pause_ns; /* the longest time between two calls that are played, or before the first */
    uint64_t peak_live_bytes, peak_live_blocks, end_live_bytes, end_live_blocks;
};

/* Reads the log and writes the play file. 0, or an exit status: the error is printed. */
int plan_make(struct plan *plan);
void plan_free(struct plan *plan);

#endif
