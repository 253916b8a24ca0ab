/* The events of one commit, as columns, in the order in which the store gets them.
 *
 *   rings --run by run--> columns (by time over all rings) --> hak_batch_order --> one chunk
 *
 * Records are decoded straight into the columns that the codec takes (store/codec/column.h); an
 * event is nowhere a struct on its way. They are added in order of time over all rings. Time alone
 * can mislead by some nanoseconds where two processors took part in one block's life, so before the
 * ids are drawn every block's records are brought into the order of their generations, moving as
 * little as possible and never changing the order within a ring. Ids are known only after that:
 * whatever needs one remembers its place and asks hak_batch_id. For one thread. */
#ifndef HAK_COLLECTOR_DRAIN_BATCH_H
#define HAK_COLLECTOR_DRAIN_BATCH_H

#include <stdbool.h>
#include <stdint.h>
#include "store/codec/codec.h"

#define HAK_BATCH_MAX  HAK_CHUNK_EVENTS_MAX
#define HAK_BATCH_EDGE 512 /* places that are kept for the edge of the cut (cut_edge.h) */

/* Neighbouring events of one ring. */
struct hak_batch_run {
    uint32_t first; /* place of its first event */
    uint32_t lane;  /* session and ring, in one number */
};

struct hak_batch {
    struct hak_columns columns; /* values of `count` events; ns is comparable over all sessions */
    uint32_t count, most;       /* events; so many may be added now */
    struct hak_batch_run *runs; /* HAK_BATCH_MAX */
    uint32_t run_count;
    bool several_lanes;
    bool is_full;
    bool has_moved;    /* the order is not that in which events were added: `final` is valid */
    uint32_t *final;   /* where each went */
    uint64_t first_id; /* of the event at place 0; valid after hak_batch_order */
    /* Working room of hak_batch_order. */
    uint64_t *time, *generation;
    uint32_t *lane, *order, *table;
    uint32_t table_mask; /* of the slots in use, a power of two */
};

/* Allocates an empty batch. False, with nothing left to free: memory ran out. */
bool hak_batch_make(struct hak_batch *batch);

/* Frees the batch's columns and tables and clears it. */
void hak_batch_free(struct hak_batch *batch);
void hak_batch_clear(struct hak_batch *batch);

/* Begins a run: the events from place `count` on are of `lane` now. An empty last run is
 * replaced. */
static inline void hak_batch_begin_run(struct hak_batch *batch, uint32_t lane) {
    uint32_t last = batch->run_count - 1;
    if (batch->run_count && batch->runs[last].lane == lane)
        return;
    if (batch->run_count && batch->runs[last].first == batch->count)
        batch->run_count--; /* nothing came of it */
    else if (batch->run_count)
        batch->several_lanes = true;
    batch->runs[batch->run_count++] = (struct hak_batch_run){batch->count, lane};
}

/* Adds an event (its id is not looked at) to the run that is open and returns its place; the batch
 * must have room. */
uint32_t hak_batch_add(struct hak_batch *batch, const struct hak_event *event);

/* Brings the events into their final order; their ids are `first_id`, ... */
void hak_batch_order(struct hak_batch *batch, uint64_t first_id);

/* After hak_batch_order: where the event that was added at `place` is now, and its id. */
static inline uint32_t hak_batch_place(const struct hak_batch *batch, uint32_t place) {
    return batch->has_moved ? batch->final[place] : place;
}
static inline uint64_t hak_batch_id(const struct hak_batch *batch, uint32_t place) {
    return batch->first_id + hak_batch_place(batch, place);
}

#endif
