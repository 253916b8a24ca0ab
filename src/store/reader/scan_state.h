/* The insides of a walk over events: which chunks (reader/chunks.c), their decoding, by several
 * threads (reader/pool.c), which of their events (reader/pick.c), and what is handed out (scan.c).
 *
 *   chunks -> slot, slot, slot (read here, decoded by whoever is free) -> events, in order */
#ifndef HAK_STORE_READER_SCAN_STATE_H
#define HAK_STORE_READER_SCAN_STATE_H

#include "store/postings/postings.h"
#include "store/reader/state.h"

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

struct hak_scan {
    struct hak_store_reader *reader;
    struct hak_scan_limits limits;
    bool backwards, is_done, has_all; /* has_all: no chunk is left to be read */
    struct hak_finder *finder;
    uint64_t stack_key[2], owner_key; /* that it looks for */
    struct hak_query chunks;          /* the list of all, where there is no finder */
    bool saw_end; /* backwards: whether chunks are missing at the end was looked at */
    uint64_t due; /* event that comes next in the list of all chunks; backwards 0 = not known */
    uint64_t chunks_opened;
    struct hak_scan_slot *slot[HAK_SCAN_SLOTS_MAX]; /* a ring; NULL = not made yet */
    unsigned slots, first, used; /* in use now: from `first` on, `used` of them */
    unsigned window;             /* how many may be in use */
    uint32_t at;                 /* in the hits of the first one */
};

/* ---- reader/chunks.c ---- */
int hak_scan_choose(struct hak_scan *s); /* after the limits were set: 0 or an error */
/* The next chunk that its row and its postings do not exclude: 1, 0 at the end, or an error. With
 * an impossible number of events *events is 0; where chunks are missing it is HAK_SCAN_GAP, behind
 * the last one HAK_SCAN_GAP_AT_END, and *id the first event that none has. */
#define HAK_SCAN_GAP        UINT32_MAX
#define HAK_SCAN_GAP_AT_END (UINT32_MAX - 1)
int hak_scan_next_chunk(struct hak_scan *s, uint64_t *id, uint32_t *events);
void hak_scan_end_choice(struct hak_scan *s);

/* ---- reader/pick.c ---- */
/* Columns about which the limits ask (bit n = column n). */
unsigned hak_scan_asked_columns(const struct hak_scan_limits *limits);
/* Decodes the slot's blob as far as the limits ask, and fills slot->hit with the events that fit.
 * May run on any thread. */
void hak_scan_decode(struct hak_scan_slot *slot);
/* Columns that are not wanted may hold another chunk's values: they read as 0. */
void hak_scan_clear_unwanted(struct hak_event *event, unsigned wanted);

/* ---- reader/pool.c ---- */
struct hak_scan_pool;
/* The reader's pool; NULL where chunks are decoded by the caller alone (one processor, or a reader
 * inside the process that writes). */
struct hak_scan_pool *hak_scan_pool_of(struct hak_store_reader *r);
unsigned hak_scan_pool_threads(const struct hak_scan_pool *pool); /* the caller's included */
void hak_scan_pool_put(struct hak_scan_pool *pool, struct hak_scan_slot *slot);
/* Waits until the slot is done; the caller decodes what is queued meanwhile, this one first. */
void hak_scan_pool_wait(struct hak_scan_pool *pool, struct hak_scan_slot *slot);
/* Takes the slot out of the queue, or waits until whoever decodes it is done: it is idle then. */
void hak_scan_pool_cancel(struct hak_scan_pool *pool, struct hak_scan_slot *slot);
void hak_scan_pool_free(struct hak_scan_pool *pool);

#endif
