/* The one rule that makes lives of the events of a block, and the walk over one block that reports
 * each life while its events are read: memory does not grow with the number of lives or events
 * (story.h keeps the newest and judges them; the table `life` follows many blocks at once).
 *
 *   address -> hak_lives_find -> block, lineage -> hak_lives_each -> each event, each life */
#ifndef HAK_STORE_HISTORY_LIVES_H
#define HAK_STORE_HISTORY_LIVES_H

#include "store/history/lookup.h"
#include "store/reader/reader.h"

/* The effect of an event on the life before it. */
enum hak_life_step {
    HAK_LIFE_NOTHING, /* a move, a note, or a wrong call that ends nothing */
    HAK_LIFE_BORN,    /* a new life begins */
    HAK_LIFE_RESIZED, /* realloc in place; without an open life: of one whose birth is unknown */
    HAK_LIFE_ENDED,   /* its end; without an open life: of one whose birth is unknown */
    HAK_LIFE_ENDED_AGAIN, /* given back although it had ended */
};

/* A life up to the event that was read last. */
struct hak_life_state {
    uint64_t number; /* owner number in the capture, from 1; 0 = none yet */
    bool is_open;
    uint64_t user;          /* what the program held of it */
    struct hak_event birth; /* MALLOC or REALLOC; id 0 when it lies before the capture */
    uint64_t resizes;       /* REALLOC in place */
    uint64_t last_size, largest_size;
};

/* The effect of `e` on the life in `state`, which it updates; another `number` is another life.
 * Events of one block, in the order of the store, which is that of their generations. */
enum hak_life_step hak_life_next(struct hak_life_state *state, const struct hak_event *e);

/* A process and those it was forked from, each with the limit of the events that a block's story
 * may take. */
#define HAK_LINEAGE_MAX 1024 /* as many as a session has processes */
struct hak_lineage {
    int count;
    struct {
        uint32_t process;
        /* Up to the FORK that led to the next one, or, where that is not known, the time at which
         * the child was first seen. UINT64_MAX = open. */
        uint64_t id_to, ns_to;
    } link[HAK_LINEAGE_MAX];
};
int hak_lineage_load(struct hak_store_reader *r, uint32_t process, struct hak_lineage *out);
bool hak_lineage_has(const struct hak_lineage *lineage, const struct hak_event *e);
/* Events lost in the processes of `lineage` in this time, and the number of stops of recording in
 * it or later, when its address may have had other owners: 0 and the numbers, or an error. */
int hak_lineage_lost(struct hak_store_reader *r, const struct hak_lineage *lineage,
                     uint64_t from_ns, uint64_t to_ns, uint64_t *lost, uint64_t *stops);

/* Hands the events of the block at `base` with ids up to `id_to` (0 = all) that belong to `lineage`
 * to `take`, by id, until `*stop` (NULL: until the end) is not 0. 0, or the store's error. */
int hak_block_each(struct hak_store_reader *r, uint64_t base, uint64_t id_to,
                   const struct hak_lineage *lineage,
                   void (*take)(void *context, const struct hak_event *event), void *context,
                   const int *stop);

/* A life, when nothing more can happen to it. */
struct hak_life_row {
    struct hak_life_state life;
    struct hak_event end;   /* FREE or REALLOC_FROM; id 0 = not ended */
    struct hak_event again; /* the same life was ended a second time; id 0 = no */
    uint64_t moves_before;  /* between layers, since the life before it ended */
};

/* The block around `address` that was used last, in `process` (row id, 0 = any) or those it was
 * forked from, up to event `until_id` and time `until_ns` (0 = all). 1 found, 0 none, or an error.
 */
int hak_lives_find(struct hak_store_reader *r, uint64_t address, uint32_t process,
                   uint64_t until_id, uint64_t until_ns, struct hak_block_key *block,
                   struct hak_lineage *lineage);

/* Non-zero from one of the functions ends it. */
struct hak_lives_visitor {
    /* Every event of the block in the order of generations; `step` says what it does to the life
     * `number` (0 = none yet). NULL = not wanted. */
    int (*event)(void *context, const struct hak_event *e, enum hak_life_step step,
                 uint64_t number);
    int (*life)(void *context, const struct hak_life_row *life); /* NULL = not wanted */
    void *context;
};
/* The events up to `id_to` (0 = all). 0, what a function returned, or an error. */
int hak_lives_each(struct hak_store_reader *r, const struct hak_block_key *block,
                   const struct hak_lineage *lineage, uint64_t id_to,
                   const struct hak_lives_visitor *visitor);

#endif
