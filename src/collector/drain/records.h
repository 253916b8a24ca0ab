/* Makes events of records, and rows of the other facts in them.
 *
 *   records of a ring --> columns of the batch --> (order, ids) --> store
 *                    \--> rows: thread, module, loss, mark, fork       (ids filled in afterwards)
 *
 * A lane is a ring from its cursor up to what a commit may take. records.c takes runs of records
 * from it, notes.c the other facts in them.
 *
 * Nothing in a record is trusted. One that cannot be right is counted, never silently left out. For
 * one thread. */
#ifndef HAK_COLLECTOR_DRAIN_RECORDS_H
#define HAK_COLLECTOR_DRAIN_RECORDS_H

#include <stdint.h>
#include "collector/findings/findings.h"
#include "collector/drain/batch.h"
#include "collector/session/session.h"
#include "collector/capture/capture.h"
#include "trace/record.h"

/* The note of a record that waits for its event's id. */
struct hak_drain_pending {
    uint32_t place; /* in the batch */
    uint32_t row;   /* of the module, or the parent process of a fork */
    uint64_t value; /* fork number, or position of the FAULT record */
    uint32_t ring;
    uint8_t kind; /* MODULE_LOAD, MODULE_UNLOAD, FORK, FAULT, LEAK, MARK, ALLOCATOR */
    struct hak_client *client;
    char *text; /* MARK: its name */
};

struct hak_drain {
    struct hak_rows *rows;
    struct hak_batch *batch;
    struct hak_drain_pending *pending;
    uint32_t pending_count, pending_capacity;
    struct hak_leaks *leaks; /* where LEAK records go; NULL = nowhere */
};

/* The part of a ring that a commit may take. */
struct hak_lane {
    struct hak_client *client;
    uint32_t ring;
    struct hak_ring_view view;
    uint64_t limit;     /* position behind the last record to take */
    uint64_t cut_ticks; /* younger records stay for the next commit */
    uint64_t reference; /* the latest time that a record's 48 bits can mean */
    uint64_t ticks, ns; /* of the next record; ns not rounded */
    uint64_t actor;     /* rows of the ring's owner: process << 32 | thread; 0 = not asked yet */
};

/* Where a record was read, and when it was written. */
struct hak_drain_origin {
    struct hak_client *client;
    uint32_t ring;
    uint64_t position, ticks;
};

#define HAK_DRAIN_BYTES_MAX (255 * HAK_CONTINUATION_BYTES)

/* The byte string behind a record. */
struct hak_drain_bytes {
    uint8_t bytes[HAK_DRAIN_BYTES_MAX];
    uint32_t count;
};

void hak_drain_free(struct hak_drain *drain);

/* Sets the lane's cut: ticks of its session's clock. True when there is a record before it: `ticks`
 * and `ns` are its time. */
bool hak_drain_begin(struct hak_lane *lane, uint64_t cut_ticks);

/* Takes records while they are not younger than `until` ns and the batch has room. True when the
 * lane has more before its cut (`ticks` and `ns` are of the next). The lane's next record must be
 * such a one. */
bool hak_drain_run(struct hak_drain *drain, struct hak_lane *lane, uint64_t until);

/* A move, by its block and generation. */
struct hak_block_move {
    uint64_t base, generation;
};

/* The moves in the lane's record at `*position`, which becomes that of the next one: their number,
 * at most HAK_MOVES_BATCH_MAX. Nothing is taken. */
uint32_t hak_drain_peek(const struct hak_lane *lane, uint64_t *position,
                        struct hak_block_move *moves);
/* Sets `ticks` and `ns` to those of the record at `position`, without taking what is before it.
 * False: there is none before the lane's cut, or its time cannot be told. */
bool hak_drain_pass(struct hak_lane *lane, uint64_t position);

/* Notes the other facts in a record of kind 64 or above, the event at `place`. (notes.c) */
void hak_drain_note(struct hak_drain *drain, const struct hak_drain_origin *origin, uint32_t place,
                    const struct hak_event *event, const struct hak_event_fields *fields,
                    const struct hak_drain_bytes *bytes);

/* After hak_batch_order: fills the ids in, writes marks. 0 or the store's error. */
int hak_drain_settle(struct hak_drain *drain, struct hak_store_writer *writer);
/* Frees the notes of events, as the transaction is in the store, or failed. */
void hak_drain_forget_pending(struct hak_drain *drain);

#endif
