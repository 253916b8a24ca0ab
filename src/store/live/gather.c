/* One pass over a chunk: what every block in it went through becomes a layer of the pile. */
#include "store/live/gather.h"

#include <stdlib.h>
#include "hop.h"
#include "trace/record.h"

#define AN_EVENT 0x80000000u /* of a place: not a block's number but that of an event */
#define NO_EVENT UINT32_MAX

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
                                  .place = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *g->place),
                                  .scratch = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *g->scratch)};
    if (g->touched && g->place && g->scratch)
        return true;
    hak_live_gather_free(g);
    return false;
}

void hak_live_gather_free(struct hak_live_gather *g) {
    hak_live_pile_free(&g->pile);
    free(g->touched);
    free(g->place);
    free(g->scratch);
    *g = (struct hak_live_gather){0};
}

/* ---- what a block went through -----------------------------------------------------------------
 */

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

/* One pass: what every distinct base of the chunk went through. Returns how many there are;
 * `is_shared`: some are used by two processes. */
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

/* ---- in order ----------------------------------------------------------------------------------
 */

/* The blocks of which a state is put, and the calls of those that are shared. */
static uint32_t find_places(struct hak_live_gather *g, const struct hak_columns *c,
                            uint32_t distinct, bool is_shared) {
    uint32_t count = 0;
    for (uint32_t k = 0; k < distinct; k++) {
        const struct hak_live_touched *t = &g->touched[k];
        bool leaves_nothing = t->is_fresh && t->step == HAK_LIVE_ENDED && !g->is_lossy;
        if (!t->is_known || t->is_shared || leaves_nothing)
            continue;
        uint64_t base = hak_columns_value(c, HAK_COLUMN_BASE, t->call);
        if (base && t->process && t->process < HAK_LIVE_PROCESSES)
            g->place[count++] = (struct hak_live_place){base, t->process, k};
    }
    for (uint32_t i = 0; i < c->events && is_shared; i++) {
        struct hak_event e;
        struct hak_live_state ignored;
        if (!g->touched[c->index[HAK_COLUMN_BASE][i]].is_shared)
            continue;
        hak_columns_get(c, i, i, &e);
        if (hak_live_state_of(&e, &ignored))
            g->place[count++] = (struct hak_live_place){e.base, e.process, AN_EVENT | i};
    }
    hak_live_sort_places(g->place, count, g->scratch);
    return count;
}

static bool is_same(const struct hak_live_place *one, const struct hak_live_place *other) {
    return one->base == other->base && one->process == other->process;
}

/* One process' calls of a block that several have, `count` of them. */
static struct hak_live_state join_events(const struct hak_columns *c,
                                         const struct hak_live_place *place, uint32_t count,
                                         uint64_t first_id) {
    struct hak_live_state sum = {0}, s;
    for (uint32_t i = 0; i < count; i++) {
        struct hak_event e;
        uint32_t at = place[i].at & ~AN_EVENT;
        hak_columns_get(c, at, first_id + at, &e);
        hak_live_state_of(&e, &s); /* it is one: find_places saw it */
        if (i == 0)
            sum = s;
        else
            hak_live_join(&sum, &s);
    }
    return sum;
}

bool hak_live_gather_chunk(struct hak_live_gather *g, const struct hak_columns *c,
                           uint64_t first_id) {
    bool is_shared = false;
    bool is_plain = !c->by_index[HAK_COLUMN_SHAPE] && !c->by_index[HAK_COLUMN_ACTOR];
    uint32_t distinct =
        is_plain ? pass_over(g, c, true, &is_shared) : pass_over(g, c, false, &is_shared);
    uint32_t count = find_places(g, c, distinct, is_shared);
    if (!hak_live_pile_begin(&g->pile, first_id, hak_columns_value(c, HAK_COLUMN_NS, 0)))
        return false;
    for (uint32_t i = 0, same = 1; i < count; i += same) {
        const struct hak_live_place *place = &g->place[i];
        for (same = 1; i + same < count && is_same(place, &place[same]);)
            same++;
        struct hak_live_state s = place->at & AN_EVENT
                                      ? join_events(c, place, same, first_id)
                                      : state_of(c, &g->touched[place->at], first_id);
        s.is_fresh = s.is_fresh && !g->is_lossy;
        if (!hak_live_pile_put(&g->pile, &s))
            return false;
    }
    return true;
}
