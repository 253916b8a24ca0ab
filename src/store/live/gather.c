/* The pass over a chunk: joins the state of every block in it to the stretch. */
#include "store/live/gather.h"

#include <stdlib.h>
#include "base/growing.h"
#include "hop.h"
#include "trace/record.h"

#define NO_EVENT    UINT32_MAX
#define STATES_FEW  ((uint32_t)1 << 16)
#define STATES_MOST ((uint32_t)6 << 16) /* 21 MiB, and 17 to sort the last ones */

/* The calls of one block in a chunk. */
struct hak_live_touched {
    uint32_t process; /* 0 = none so far */
    uint32_t birth;   /* of HAK_LIVE_BORN: the last one, NO_EVENT = it was lost */
    uint32_t call;    /* the last one */
    uint8_t step;     /* enum hak_live_step of the last call */
    bool is_known;    /* there was one */
    bool is_fresh;    /* the first one was a birth */
    bool is_shared;   /* several processes have blocks there */
};

bool hak_live_gather_init(struct hak_live_gather *g) {
    *g = (struct hak_live_gather){.touched = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *g->touched),
                                  .most = STATES_MOST};
    return g->touched != NULL;
}

void hak_live_gather_free(struct hak_live_gather *g) {
    hak_live_table_free(&g->table);
    free(g->touched);
    *g = (struct hak_live_gather){0};
}

/* The number of states before they are sorted again: twice those that were needed. */
static uint32_t next_sort(const struct hak_live_gather *g) {
    uint32_t twice = 2 * g->sorted, at = twice > STATES_FEW ? twice : STATES_FEW;
    return at < g->most ? at : g->most;
}

void hak_live_gather_clear(struct hak_live_gather *g) {
    hak_live_table_free(&g->table);
    g->sorted = 0;
}

/* ---- steps of a block --------------------------------------------------------------------------
 */

/* The state in which the chunk's calls left the block; of an ended one only base, process and
 * step. */
static struct hak_live_state state_of(const struct hak_columns *c, const struct hak_live_touched *t,
                                      uint64_t first_id) {
    uint64_t base = hak_columns_value(c, HAK_COLUMN_BASE, t->call);
    struct hak_live_state s = {
        .base = base, .process = t->process, .step = t->step & 3u, .is_fresh = t->is_fresh};
    if (t->step == HAK_LIVE_ENDED)
        return s;
    s.user = base + hak_columns_value(c, HAK_COLUMN_DELTA, t->call);
    s.size = hak_columns_value(c, HAK_COLUMN_SIZE, t->call);
    s.class_index = (uint8_t)(hak_columns_value(c, HAK_COLUMN_SHAPE, t->call) >> 8);
    if (t->step == HAK_LIVE_BORN && t->birth != NO_EVENT) {
        s.birth = first_id + t->birth;
        s.ns = hak_columns_value(c, HAK_COLUMN_NS, t->birth);
        s.stack = (uint32_t)hak_columns_value(c, HAK_COLUMN_STACK, t->birth);
        s.thread = (uint32_t)hak_columns_value(c, HAK_COLUMN_ACTOR, t->birth);
    }
    return s;
}

/* Notes what one call does to the block, behind the chunk's earlier calls. */
static void note_call(struct hak_live_touched *t, uint64_t shape, uint32_t i) {
    unsigned kind = shape & 0xff, place = shape >> 16 & 0xff;
    bool is_end = kind == HAK_FREE || kind == HAK_REALLOC_FROM;
    bool is_birth = !is_end && !(kind == HAK_REALLOC && place == HAK_PLACE_LIVE);
    if (!t->is_known)
        t->is_fresh = is_birth;
    if (is_end)
        t->step = HAK_LIVE_ENDED;
    else if (!is_birth && !t->is_known)
        t->step = HAK_LIVE_RESIZED;
    else if (is_birth || t->step == HAK_LIVE_ENDED) {
        t->step = HAK_LIVE_BORN;
        t->birth = is_birth ? i : NO_EVENT;
    }
    t->call = i;
    t->is_known = true;
}

/* Notes, in one pass, the steps of every distinct base of the chunk. Returns the number of bases;
 * `is_shared`: two processes use some of them. */
static inline uint32_t pass_over(struct hak_live_gather *g, const struct hak_columns *c,
                                 bool is_plain, bool *is_shared) {
    const uint32_t *index = c->index[HAK_COLUMN_BASE];
    const uint64_t *shapes = c->value[HAK_COLUMN_SHAPE], *actors = c->value[HAK_COLUMN_ACTOR];
    uint32_t seen = 0;
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t shape = is_plain ? shapes[i] : hak_columns_value(c, HAK_COLUMN_SHAPE, i);
        uint64_t actor = is_plain ? actors[i] : hak_columns_value(c, HAK_COLUMN_ACTOR, i);
        struct hak_live_touched *t = &g->touched[index[i]];
        if (index[i] >= seen) { /* its first use */
            *t = (struct hak_live_touched){0};
            seen = index[i] + 1;
        }
        if ((shape & 0xff) - 1 >= 63)
            continue;
        if (t->process != actor >> 32) {
            t->is_shared = t->process != 0;
            *is_shared |= t->is_shared;
            t->process = (uint32_t)(actor >> 32);
        }
        if ((shape & 0xff) <= HAK_REALLOC_FROM && !(shape >> 32 & HAK_RECORD_ILLEGAL))
            note_call(t, shape, i);
    }
    return seen;
}

/* ---- the stretch -------------------------------------------------------------------------------
 */

/* Appends a state; after losses an end is kept even of a block that was born here. False without
 * memory. */
static bool add(struct hak_live_gather *g, struct hak_live_state s) {
    struct hak_live_table *t = &g->table;
    s.is_fresh = s.is_fresh && !g->is_lossy;
    if (!hak_growing_make_room(&t->state, t->used, &t->room, sizeof *t->state))
        return false;
    t->state[t->used++] = s;
    return true;
}

/* Joins the states of each block and drops those that nobody needs. False without memory. Sorting
 * is faster than finding each block's state at once: the states of a large heap are in no cache. */
bool hak_live_gather_sort(struct hak_live_gather *g) {
    struct hak_live_table *t = &g->table;
    uint32_t kept = 0;
    if (!hak_live_table_sort(t, g->sorted))
        return false;
    for (uint32_t i = 0, next; i < t->used; i = next) {
        struct hak_live_state joined = t->state[i];
        for (next = i + 1; next < t->used && !hak_live_compare(&joined, &t->state[next]); next++)
            hak_live_join(&joined, &t->state[next]);
        if (!hak_live_is_void(&joined))
            t->state[kept++] = joined;
    }
    t->used = g->sorted = kept;
    return true;
}

/* Adds the blocks that one process has. False when memory is out. */
static bool add_blocks(struct hak_live_gather *g, const struct hak_columns *c, uint32_t distinct,
                       uint64_t first_id) {
    for (uint32_t k = 0; k < distinct; k++) {
        const struct hak_live_touched *t = &g->touched[k];
        bool leaves_nothing = t->is_fresh && t->step == HAK_LIVE_ENDED && !g->is_lossy;
        if (!t->is_known || t->is_shared || leaves_nothing)
            continue;
        uint64_t base = hak_columns_value(c, HAK_COLUMN_BASE, t->call);
        if (base && t->process && t->process < HAK_LIVE_PROCESSES &&
            !add(g, state_of(c, t, first_id)))
            return false;
    }
    return true;
}

/* Adds the calls of blocks that several processes have. False when memory is out. */
static bool add_shared(struct hak_live_gather *g, const struct hak_columns *c, uint64_t first_id) {
    for (uint32_t i = 0; i < c->events; i++) {
        struct hak_event e;
        struct hak_live_state s;
        if (!g->touched[c->index[HAK_COLUMN_BASE][i]].is_shared)
            continue;
        hak_columns_get(c, i, first_id + i, &e);
        if (hak_live_state_of(&e, &s) && !add(g, s))
            return false;
    }
    return true;
}

bool hak_live_gather_chunk(struct hak_live_gather *g, const struct hak_columns *c,
                           uint64_t first_id) {
    bool is_shared = false;
    bool is_plain = !c->by_index[HAK_COLUMN_SHAPE] && !c->by_index[HAK_COLUMN_ACTOR];
    uint32_t distinct =
        is_plain ? pass_over(g, c, true, &is_shared) : pass_over(g, c, false, &is_shared);
    if (!add_blocks(g, c, distinct, first_id) || (is_shared && !add_shared(g, c, first_id)))
        return false;
    return g->table.used < next_sort(g) || hak_live_gather_sort(g);
}
