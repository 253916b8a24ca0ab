/* Every life of one block, reported one after the other while its events are read: memory does not
 * grow with the number of lives or events (story.h keeps the newest and judges them).
 *
 *   address -> hak_lives_find -> block, lineage -> hak_lives_each -> each event, each life */
#ifndef HAK_STORE_HISTORY_LIVES_H
#define HAK_STORE_HISTORY_LIVES_H

#include "store/history/life.h"
#include "store/history/lookup.h"

struct hak_life_row {
    uint64_t number;        /* owner number in the capture, from 1 */
    struct hak_event birth; /* MALLOC or REALLOC; id 0 when it lies before the capture */
    struct hak_event end;   /* FREE or REALLOC_FROM; id 0 = not ended */
    struct hak_event again; /* the same life was ended a second time; id 0 = no */
    uint64_t moves_before;  /* between layers, since the life before it ended */
    uint64_t resizes;       /* REALLOC in place */
    uint64_t last_size, largest_size;
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
    /* A life, when nothing more can happen to it. NULL = not wanted. */
    int (*life)(void *context, const struct hak_life_row *life);
    void *context;
};
/* The events up to `id_to` (0 = all). 0, what a function returned, or an error. */
int hak_lives_each(struct hak_store_reader *r, const struct hak_block_key *block,
                   const struct hak_lineage *lineage, uint64_t id_to,
                   const struct hak_lives_visitor *visitor);

/* Events lost in the processes of `lineage` in this time, and the number of stops of recording in
 * it or later, when its address may have had other owners: 0 and the numbers, or an error. */
int hak_lineage_lost(struct hak_store_reader *r, const struct hak_lineage *lineage,
                     uint64_t from_ns, uint64_t to_ns, uint64_t *lost, uint64_t *stops);

#endif
