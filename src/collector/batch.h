/* The events of one commit, in the order in which the store gets them.
 *
 * They are added in order of time over all rings. Time alone can mislead by some nanoseconds where
 * two processors took part in one block's life, so before the ids are drawn every block's records
 * are brought into the order of their generations, moving as little as possible and never changing
 * the order within a ring (hak_batch_order). Ids are known only after that: whatever needs one is
 * noted as a `note` and told by hak_batch_id. For one thread. */
#ifndef HAK_COLLECTOR_BATCH_H
#define HAK_COLLECTOR_BATCH_H

#include <stdbool.h>
#include <stdint.h>
#include "store/event.h"

#define HAK_BATCH_MAX 65536

struct hak_batch {
    struct hak_event *events; /* HAK_BATCH_MAX */
    uint64_t *time;           /* of each, comparable over all sessions: ns, then made monotonic */
    uint32_t *lane;           /* of each: session and ring, in one number */
    uint32_t *final;          /* where each went; valid after hak_batch_order */
    uint32_t count;
    bool several_lanes;
    /* Working room of hak_batch_order. */
    struct hak_event *sorted;
    uint32_t *order, *table;
};

/* False when memory ran out. */
bool hak_batch_make(struct hak_batch *batch);
void hak_batch_free(struct hak_batch *batch);
void hak_batch_clear(struct hak_batch *batch);

/* Adds an event (its id is not looked at) and returns its place; the batch must not be full. */
uint32_t hak_batch_add(struct hak_batch *batch, const struct hak_event *event, uint32_t lane);

/* Brings the events into their final order and gives them the ids `first_id`, ... */
void hak_batch_order(struct hak_batch *batch, uint64_t first_id);

/* After hak_batch_order: the id of the event that was added at `place`. */
static inline uint64_t hak_batch_id(const struct hak_batch *batch, uint32_t place) {
    return batch->events[batch->final[place]].id;
}

#endif
