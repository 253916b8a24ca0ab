/* States of blocks after a stretch of the log: for each (process, base) its last one, joined one
 * stretch to the next. Both the writer's runs of states and the reader's answer to "what was alive
 * at T" are made with it. The order is that of the log, which is that of the generations
 * (docs/specs/event-log.md, Order).
 *
 *   event -> state of one event -> hak_live_join -> state of a stretch -> hak_live_join -> of a run
 */
#ifndef HAK_STORE_LIVE_TABLE_H
#define HAK_STORE_LIVE_TABLE_H

#include <stdbool.h>
#include "base/index.h"
#include "store/event.h"

enum hak_live_step {
    HAK_LIVE_ENDED = 0, /* its last life was given back */
    HAK_LIVE_BORN = 1,  /* alive, and its life began in the stretch */
    /* alive; the life began before the stretch, a realloc in place is in it */
    HAK_LIVE_RESIZED = 2,
};

/* The last state of a block in a stretch of the log. */
struct hak_live_state {
    uint64_t base;
    uint64_t user, size;    /* what the program holds of it */
    uint64_t birth, ns;     /* of BORN: the event that began the life, 0 = it was lost */
    uint32_t stack, thread; /* of BORN: of its birth; else 0 */
    uint32_t process;       /* row id; 0 = a free slot of the table */
    uint8_t class_index;
    uint8_t step : 2;     /* enum hak_live_step */
    uint8_t is_fresh : 1; /* no life was open where the stretch began: it begins with a birth */
};
#define HAK_LIVE_PROCESSES (1u << 24) /* greater rows have no states */

/* The state that a single event makes of a block: false when it begins, resizes and ends nothing
 * (moves between layers, notes, calls that were not allowed). */
bool hak_live_state_of(const struct hak_event *e, struct hak_live_state *out);

/* Adds the state of the stretch behind the one that `older` sums up; a block that was only resized
 * there keeps its birth. */
void hak_live_join(struct hak_live_state *older, const struct hak_live_state *newer);

/* Nothing needs to be kept of it: it was not open before the stretch, and is not after it. */
static inline bool hak_live_is_void(const struct hak_live_state *s) {
    return s->step == HAK_LIVE_ENDED && s->is_fresh;
}

struct hak_live_table {
    struct hak_live_state *state; /* one for each block, in the order of coming until sorted */
    uint32_t used, room;
    struct hak_index index; /* finds them: row 1 is the first */
};

void hak_live_table_free(struct hak_live_table *t);
/* Joins `newer` to the state of its block. False when memory is out. */
bool hak_live_table_add(struct hak_live_table *t, const struct hak_live_state *newer);
/* Forgets all states but those for which is_kept() is true. False when memory is out. */
bool hak_live_table_filter(struct hak_live_table *t,
                           bool (*is_kept)(const void *context, const struct hak_live_state *s),
                           const void *context);
/* Puts the states in the order of (process, base), those of one block in the order of coming; the
 * first `sorted` are in it already. The index is gone: hak_live_table_add may follow after a
 * filter. False when memory is out. */
bool hak_live_table_sort(struct hak_live_table *t, uint32_t sorted);

/* (process, base) as an order: negative, 0, positive. */
static inline int hak_live_compare(const struct hak_live_state *a, const struct hak_live_state *b) {
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    return (a->base > b->base) - (a->base < b->base);
}

#endif
