/* Makes lives of the events of one block: the one rule, used by the story, the tables and the
 * evidence. */
#ifndef HAK_STORE_HISTORY_LIFE_H
#define HAK_STORE_HISTORY_LIFE_H

#include "store/reader/reader.h"

/* The effect of an event on the life before it. */
enum hak_life_step {
    HAK_LIFE_NOTHING, /* a move, a note, or a wrong call that ends nothing */
    HAK_LIFE_BORN,    /* a new life begins */
    HAK_LIFE_RESIZED, /* realloc in place; without an open life: of one whose birth is unknown */
    HAK_LIFE_ENDED,   /* its end; without an open life: of one whose birth is unknown */
    HAK_LIFE_ENDED_AGAIN, /* given back although it had ended */
};

/* Where the life before an event stands. */
struct hak_life_state {
    bool exists, is_open;
    uint64_t user; /* what the program held of it */
};

/* The effect of `e` on the life in `state`, which it updates. Events of one block, in the order of
 * the store, which is that of their generations. */
enum hak_life_step hak_life_next(struct hak_life_state *state, const struct hak_event *e);

/* A process and those it was forked from, each with the limit of the events that a block's story
 * may take. */
#define HAK_LINEAGE_MAX 64
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

/* Hands the events of the block at `base` with ids up to `id_to` (0 = all) that belong to `lineage`
 * to `take`, by id, until `*stop` (NULL: until the end) is not 0. 0, or the store's error. */
int hak_block_each(struct hak_store_reader *r, uint64_t base, uint64_t id_to,
                   const struct hak_lineage *lineage,
                   void (*take)(void *context, const struct hak_event *event), void *context,
                   const int *stop);

#endif
