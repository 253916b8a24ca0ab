/* Makes events of records, and rows of what records tell besides.
 *
 *   record(s) of a ring --> struct hak_event in the batch --> (order, ids) --> store
 *                      \--> rows: thread, module, loss, mark, fork       (ids filled in afterwards)
 *
 * Nothing in a record is trusted. One that cannot be right is counted, never silently left out. For
 * one thread. */
#ifndef HAK_COLLECTOR_DRAIN_H
#define HAK_COLLECTOR_DRAIN_H

#include <stdint.h>
#include "collector/batch.h"
#include "collector/client.h"
#include "collector/rows.h"

/* What became of a record that needs its event's id. */
struct hak_drain_note {
    uint32_t place; /* in the batch */
    uint32_t row;   /* of the module, or the parent process of a fork */
    uint64_t value; /* fork number, or position of the FAULT record */
    uint32_t ring;
    uint8_t kind; /* MODULE_LOAD, MODULE_UNLOAD, FORK, FAULT, MARK */
    struct hak_client *client;
    char *text; /* MARK: its name */
};

struct hak_drain {
    struct hak_rows *rows;
    struct hak_batch *batch;
    struct hak_drain_note *notes;
    uint32_t note_count, note_capacity;
    struct hak_loss_row *losses; /* reasons are constants */
    uint32_t loss_count, loss_capacity;
    uint64_t marks_lost; /* notes for which there was no memory */
};

void hak_drain_free(struct hak_drain *drain);

/* Takes in the records of ring `ring` from cursor->position, at most up to `limit`, one head record
 * with its continuations. Returns how many records that were (at least 1). `ticks`: the unwrapped
 * time of the head record. The batch must have room for one event. */
uint32_t hak_drain_take(struct hak_drain *drain, struct hak_client *client, uint32_t ring,
                        const struct hak_ring_view *view, uint64_t limit, uint64_t ticks);

/* Notes events that are not in the store. `thread` 0 = all of the process. */
void hak_drain_lost(struct hak_drain *drain, uint32_t process, uint32_t thread, uint64_t from_ns,
                    uint64_t to_ns, uint64_t count, const char *reason);

/* After hak_batch_order: fills the ids in, writes marks. 0 or the store's error. */
int hak_drain_settle(struct hak_drain *drain, struct hak_store_writer *writer);
/* Puts the losses into the transaction. 0 or the store's error. */
int hak_drain_put_losses(struct hak_drain *drain, struct hak_store_writer *writer);
/* The transaction is in the store: notes and losses are done. */
void hak_drain_committed(struct hak_drain *drain);
/* It is not: the notes' events are gone, the losses stay to be told. */
void hak_drain_rolled_back(struct hak_drain *drain);

#endif
