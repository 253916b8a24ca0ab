/* How the events of one block make its lives: the one rule, used by the story, the tables and the
 * evidence; and the order in which it must see them. */
#ifndef HAK_STORE_HISTORY_LIFE_H
#define HAK_STORE_HISTORY_LIFE_H

#include "store/reader/reader.h"

/* What an event means for the life before it. */
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

/* What `e` does to the life in `state`; updates it. Events of one block, in generation order. */
enum hak_life_step hak_life_next(struct hak_life_state *state, const struct hak_event *e);

/* Puts events of one block into the order of their generations. Ids are given in commit order, and
 * events of different threads may be committed the wrong way round: one that is not the next is
 * held back in a heap of HAK_ORDER_EVENTS. Events without a generation stay behind the one before
 * them. */
#define HAK_ORDER_EVENTS 4096
struct hak_order {
    struct {
        uint64_t generation;
        struct hak_event event;
    } * heap;
    uint32_t count;
    uint64_t last_generation; /* of the event put in last */
    uint64_t told_generation; /* of the event told last, 0 = none yet */
    void (*take)(void *context, const struct hak_event *event);
    void *context;
};
bool hak_order_init(struct hak_order *order,
                    void (*take)(void *context, const struct hak_event *event), void *context);
void hak_order_free(struct hak_order *order);
/* The next event by id; `take` is told what is due, in order. */
void hak_order_put(struct hak_order *order, const struct hak_event *event);
/* No more come: the rest is told. */
void hak_order_finish(struct hak_order *order);

/* A process and those it was forked from: what a block's story may take from each. */
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
 * to `take`, in order, until `*stop` (NULL: until the end) is not 0. 0, or the store's error. */
int hak_order_walk(struct hak_store_reader *r, uint64_t base, uint64_t id_to,
                   const struct hak_lineage *lineage,
                   void (*take)(void *context, const struct hak_event *event), void *context,
                   const int *stop);

#endif
