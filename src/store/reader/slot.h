/* One chunk on its way from the file to the events that fit: decoded and picked from (pick.c) by
 * the caller or by one of the reader's threads (pool.c).
 *
 *   put -> queued -> taken by any free thread -> done: `hit` has the events, or `wrong` is set */
#ifndef HAK_STORE_READER_SLOT_H
#define HAK_STORE_READER_SLOT_H

#include "store/codec/codec.h"
#include "store/reader/scan.h"

#define HAK_SCAN_THREADS_MAX 8 /* the caller's included */
#define HAK_SCAN_SLOTS_MAX   (HAK_SCAN_THREADS_MAX + 1)

enum hak_slot_state {
    HAK_SLOT_IDLE,
    HAK_SLOT_QUEUED, /* its blob is there */
    HAK_SLOT_TAKEN,  /* somebody decodes it */
    HAK_SLOT_DONE
};

/* One chunk on its way. */
struct hak_scan_slot {
    enum hak_slot_state state; /* guarded by the pool's lock while there is a pool */
    struct hak_scan_slot *next_queued;
    const struct hak_scan_limits *limits;
    struct hak_columns columns;
    uint64_t chunk_id; /* of the chunk in `columns`, 0 = none */
    struct hak_chunk chunk;
    const char *where, *wrong; /* what is wrong with it; NULL = nothing */
    uint8_t *blob;
    size_t blob_room;
    uint32_t *hit; /* indexes of the events of this chunk that fit, in order */
    uint32_t hits;
    uint8_t *mark; /* for each distinct value of a column: does it fit */
};

/* Decodes the slot's blob as far as the limits ask, and fills slot->hit with the events that fit.
 * May run on any thread. */
void hak_scan_decode(struct hak_scan_slot *slot);
/* Sets fields of columns that are not wanted to 0, as those may hold another chunk's values. */
void hak_scan_clear_unwanted(struct hak_event *event, unsigned wanted);

struct hak_scan_pool;
/* The reader's pool, made at the first call; NULL where chunks are decoded by the caller alone (one
 * processor, or a reader inside the process that writes). */
struct hak_scan_pool *hak_scan_pool_of(struct hak_store_reader *r);
unsigned hak_scan_pool_threads(const struct hak_scan_pool *pool); /* the caller's included */

/* Queues a slot for decoding, behind the others, and wakes a thread. */
void hak_scan_pool_put(struct hak_scan_pool *pool, struct hak_scan_slot *slot);
/* Waits until the slot is done; the caller decodes what is queued meanwhile, this one first. */
void hak_scan_pool_wait(struct hak_scan_pool *pool, struct hak_scan_slot *slot);
/* Takes the slot out of the queue, or waits until its decoder is done: it is idle then. */
void hak_scan_pool_cancel(struct hak_scan_pool *pool, struct hak_scan_slot *slot);
void hak_scan_pool_free(struct hak_scan_pool *pool);

#endif
