/* How blocks stand after a stretch of the log: for each (process, base) its last state, joined one
 * stretch to the next. Both the writer's runs of states and the reader's answer to "what was alive
 * at T" are made with it.
 *
 *   event -> state of one event -> hak_live_join -> state of a stretch -> hak_live_join -> of a run
 */
#ifndef HAK_STORE_LIVE_TABLE_H
#define HAK_STORE_LIVE_TABLE_H

#include <stdbool.h>
#include "store/event.h"

enum hak_live_step {
    HAK_LIVE_ENDED = 0, /* its last life was given back */
    HAK_LIVE_BORN = 1,  /* alive, and its life began in the stretch */
    HAK_LIVE_RESIZED =
        2, /* alive; the life began before the stretch, a realloc in place is in it */
};

/* The last state of a block in a stretch of the log. */
struct hak_live_state {
    uint64_t base;
    uint64_t generation;    /* of the last event of a life: MALLOC, FREE, ... */
    uint64_t user, size;    /* what the program holds of it */
    uint64_t birth, ns;     /* of BORN: the event that began the life; else 0 */
    uint32_t stack, thread; /* of BORN: of its birth; else 0 */
    uint32_t process;       /* row id; 0 = a free slot of the table */
    uint16_t since_birth;   /* of BORN: records of the slot from its birth to `generation` */
    uint8_t class_index;
    uint8_t step : 2;      /* enum hak_live_step */
    uint8_t is_fresh : 1;  /* no life was open where the stretch began: it begins with a birth */
    uint8_t is_late : 1;   /* some of its events come before events of the stretch before */
    uint8_t is_orphan : 1; /* of RESIZED: a life ended in the stretch, and this is another */
    uint8_t is_ghost : 1;  /* of the stretch before, only to see what is late */
};
#define HAK_LIVE_PROCESSES (1u << 24) /* greater rows have no states */

/* What a single event makes of a block: false when it begins, resizes and ends nothing (moves
 * between layers, notes, calls that were not allowed). */
bool hak_live_state_of(const struct hak_event *e, struct hak_live_state *out);

/* Adds a stretch after (in the log) the one that `older` sums up. Events that came too early are
 * put where their generations say. */
void hak_live_join(struct hak_live_state *older, const struct hak_live_state *newer);

/* Nothing needs to be kept of it: it was not open before the stretch, and is not after it. */
static inline bool hak_live_is_void(const struct hak_live_state *s) {
    return s->step == HAK_LIVE_ENDED && s->is_fresh;
}

struct hak_live_table {
    struct hak_live_state *state; /* one for each block, in the order of coming until sorted */
    uint32_t used, room;
    struct hak_live_slot *slot; /* finds them; a power of two */
    uint32_t slots;
};

void hak_live_table_free(struct hak_live_table *t);
/* Joins `newer` to what is known of its block; NULL when memory is out. Stays until the next one.
 */
struct hak_live_state *hak_live_table_add(struct hak_live_table *t,
                                          const struct hak_live_state *newer);
/* Forgets all states but those that are `kept`. */
void hak_live_table_filter(struct hak_live_table *t,
                           bool (*is_kept)(const void *context, const struct hak_live_state *s),
                           const void *context);
/* The states come by (process, base), ghosts only if they are wanted; nothing can be added then but
 * after a filter. False when memory is out. */
bool hak_live_table_sort(struct hak_live_table *t, bool with_ghosts);
/* What is known is of the stretch before from now on. */
void hak_live_table_haunt(struct hak_live_table *t);

/* (process, base) as an order: negative, 0, positive. */
static inline int hak_live_compare(const struct hak_live_state *a, const struct hak_live_state *b) {
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    return (a->base > b->base) - (a->base < b->base);
}

/* What a block is sorted by, and where it was. */
struct hak_live_place {
    uint64_t base;
    uint32_t process, at;
};

/* By (process, base); alike ones stay in their order. `scratch` has room for as many. */
void hak_live_sort_places(struct hak_live_place *place, uint32_t count,
                          struct hak_live_place *scratch);

#endif
