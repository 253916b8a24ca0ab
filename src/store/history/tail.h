/* The states of blocks by the events behind the last run, read once for all processes. A child that
 * was forked behind the last run has its parent's states up to its FORK, too.
 *
 *   events -> states of each process, by base (profile/blocks.h: forks share) -> one cursor
 *
 * The states are those of the bases of one batch: where there are more than the caller wants in
 * memory the upper ones are forgotten while the events are read. For one thread. */
#ifndef HAK_STORE_HISTORY_TAIL_H
#define HAK_STORE_HISTORY_TAIL_H

#include "store/live/live.h"
#include "store/reader/reader.h"

struct hak_tail_query {
    uint64_t first;        /* event */
    uint64_t id_to, ns_to; /* inclusive; 0 = open */
    uint64_t base_from;
    uint32_t states; /* in memory at once, about */
};

struct hak_tail;
/* Reads the states of the blocks at the end of the log, behind the runs. 0, or an error. */
int hak_tail_read(struct hak_store_reader *r, const struct hak_tail_query *query,
                  struct hak_tail **out);
void hak_tail_free(struct hak_tail *t);
/* The states are those of bases below this one; 0 = of all. */
uint64_t hak_tail_below(const struct hak_tail *t);
/* Chunks that were opened. */
uint64_t hak_tail_chunks(const struct hak_tail *t);
/* False where the process, or one that it was forked from, has no known place in the order of
 * events: its states are not known here. */
bool hak_tail_covers(const struct hak_tail *t, uint32_t process);
/* The states of a process that is covered, by base. 0, or an error. */
int hak_tail_hold(const struct hak_tail *t, uint32_t process, struct hak_live_cursor *out);

#endif
