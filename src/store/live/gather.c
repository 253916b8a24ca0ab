/* One pass over a chunk: what every block in it went through becomes a layer of the pile. */
#include "store/live/gather.h"

#include <stdlib.h>
#include "hop.h"
#include "base/array.h"
#include "trace/record.h"

#define AN_EVENT 0x80000000u /* of a place: not a block's number but that of an event */

/* The events of one block in a chunk. Those of one chunk lie in the order of generations. */
struct hak_live_touched {
    uint32_t process;              /* 0 = none so far */
    uint32_t first, last, records; /* moves of any kind */
    uint32_t birth, call;          /* the last birth; the last call that counted */
    uint8_t step;                  /* enum hak_live_step of the last call */
    bool is_known, is_fresh;       /* a call counted; the first one was a birth */
    bool is_orphan;                /* of RESIZED: a life ended before it */
    bool is_shared;                /* several processes have blocks there */
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
    for (int i = 0; i <= HAK_LIVE_GHOST_LAYERS; i++)
        free(g->recent[i].seen);
    free(g->touched);
    free(g->place);
    free(g->scratch);
    *g = (struct hak_live_gather){0};
}

void hak_live_gather_clear(struct hak_live_gather *g) {
    hak_live_pile_clear(&g->pile);
    for (int i = 0; i <= HAK_LIVE_GHOST_LAYERS; i++)
        g->recent[i].count = 0;
}

/* ---- what a block went through -----------------------------------------------------------------
 */

static struct hak_live_state state_of(const struct hak_columns *c, const struct hak_live_touched *t,
                                      uint64_t first_id) {
    uint64_t base = hak_columns_value(c, HAK_COLUMN_BASE, t->first);
    struct hak_live_state s = {
        .base = base,
        .process = t->process,
        .generation = hak_columns_value(c, HAK_COLUMN_GENERATION, t->call),
        .step = t->step & 3u,
        .is_fresh = t->is_fresh,
        .is_orphan = t->step == HAK_LIVE_RESIZED && t->is_orphan,
    };
    if (t->step == HAK_LIVE_ENDED)
        return s;
    s.user = base + hak_columns_value(c, HAK_COLUMN_DELTA, t->call);
    s.size = hak_columns_value(c, HAK_COLUMN_SIZE, t->call);
    s.class_index = (uint8_t)(hak_columns_value(c, HAK_COLUMN_SHAPE, t->call) >> 8);
    if (t->step == HAK_LIVE_BORN) {
        s.birth = first_id + t->birth;
        s.ns = hak_columns_value(c, HAK_COLUMN_NS, t->birth);
        s.stack = (uint32_t)hak_columns_value(c, HAK_COLUMN_STACK, t->birth);
        s.thread = (uint32_t)hak_columns_value(c, HAK_COLUMN_ACTOR, t->birth);
        uint64_t since = s.generation - hak_columns_value(c, HAK_COLUMN_GENERATION, t->birth);
        s.since_birth = since < UINT16_MAX ? (uint16_t)since : UINT16_MAX;
    }
    return s;
}

/* A life that began and ended in the chunk leaves nothing, if no event between is missing: one that
 * comes late must find the state that it lies before. */
static bool leaves_nothing(const struct hak_live_gather *g, const struct hak_columns *c,
                           const struct hak_live_touched *t) {
    if (g->is_lossy || !t->is_fresh || t->step != HAK_LIVE_ENDED)
        return false;
    return hak_columns_value(c, HAK_COLUMN_GENERATION, t->last) -
               hak_columns_value(c, HAK_COLUMN_GENERATION, t->first) ==
           t->records - 1;
}

static void note_call(struct hak_live_touched *t, uint64_t shape, uint32_t i) {
    unsigned kind = shape & 0xff, place = shape >> 16 & 0xff;
    bool is_end = kind == HAK_FREE || kind == HAK_REALLOC_FROM;
    bool is_birth = !is_end && !(kind == HAK_REALLOC && place == HAK_PLACE_LIVE);
    if (!t->is_known)
        t->is_fresh = is_birth;
    if (is_end)
        t->step = HAK_LIVE_ENDED;
    else if (is_birth)
        t->step = HAK_LIVE_BORN;
    else if (!t->is_known || t->step == HAK_LIVE_ENDED) {
        t->is_orphan = t->is_known;
        t->step = HAK_LIVE_RESIZED;
    }
    if (is_birth)
        t->birth = i;
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
            t->first = t->records ? t->first : i;
        }
        t->records++;
        t->last = i;
        if ((shape & 0xff) <= HAK_REALLOC_FROM && !(shape >> 32 & HAK_RECORD_ILLEGAL))
            note_call(t, shape, i);
    }
    return seen;
}

/* ---- in order ----------------------------------------------------------------------------------
 */

/* The blocks that something is to be told of, and the events of those that are shared. */
static uint32_t find_places(struct hak_live_gather *g, const struct hak_columns *c,
                            uint32_t distinct, bool is_shared) {
    uint32_t count = 0;
    for (uint32_t k = 0; k < distinct; k++) {
        const struct hak_live_touched *t = &g->touched[k];
        if (!t->is_known || t->is_shared || leaves_nothing(g, c, t))
            continue;
        uint64_t base = hak_columns_value(c, HAK_COLUMN_BASE, t->first);
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

/* The last generation of a block in a chunk before, 0 = nothing is known. Places come in order:
 * `at` is where the one before was found. */
static uint64_t generation_before(const struct hak_live_recent *r, uint32_t *at,
                                  const struct hak_live_place *place) {
    const struct hak_live_seen *seen = r->seen;
    uint32_t i = *at;
    while (i < r->count && (seen[i].process < place->process ||
                            (seen[i].process == place->process && seen[i].base < place->base)))
        i++;
    *at = i;
    bool is_there =
        i < r->count && seen[i].base == place->base && seen[i].process == place->process;
    return is_there ? seen[i].generation : 0;
}

static bool note_seen(struct hak_live_recent *r, const struct hak_live_state *s) {
    struct hak_live_seen *last = r->count ? &r->seen[r->count - 1] : NULL;
    if (last && last->base == s->base && last->process == s->process) {
        last->generation = s->generation > last->generation ? s->generation : last->generation;
        return true;
    }
    if (!hak_array_make_room(&r->seen, r->count, &r->room, sizeof *r->seen))
        return false;
    r->seen[r->count++] = (struct hak_live_seen){s->base, s->generation, s->process};
    return true;
}

static bool put(struct hak_live_gather *g, struct hak_live_state *s) {
    s->is_fresh = s->is_fresh && !g->is_lossy;
    return note_seen(&g->recent[0], s) && hak_live_pile_put(&g->pile, s);
}

static bool put_event(struct hak_live_gather *g, const struct hak_columns *c, uint32_t i,
                      uint64_t first_id, uint32_t process) {
    struct hak_event e;
    struct hak_live_state s;
    hak_columns_get(c, i, first_id + i, &e);
    return e.process != process || !hak_live_state_of(&e, &s) || put(g, &s);
}

/* The events of one block one by one: some of them come before what a chunk before left. */
static bool put_one_by_one(struct hak_live_gather *g, const struct hak_columns *c,
                           const struct hak_live_touched *t, uint64_t first_id) {
    const uint32_t *index = c->index[HAK_COLUMN_BASE];
    for (uint32_t i = t->first; i <= t->last; i++)
        if (index[i] == index[t->first] && !put_event(g, c, i, first_id, t->process))
            return false;
    return true;
}

/* One process' events of a block that several have, `count` of them: joined, unless some come
 * before what a chunk before left. */
static bool put_shared(struct hak_live_gather *g, const struct hak_columns *c,
                       const struct hak_live_place *place, uint32_t count, uint64_t first_id,
                       uint64_t known) {
    struct hak_live_state sum = {0}, s;
    uint32_t first = place->at & ~AN_EVENT;
    bool is_late = known && hak_columns_value(c, HAK_COLUMN_GENERATION, first) <= known;
    for (uint32_t i = 0; i < count; i++) {
        struct hak_event e;
        uint32_t at = place[i].at & ~AN_EVENT;
        hak_columns_get(c, at, first_id + at, &e);
        hak_live_state_of(&e, &s); /* it is one: find_places saw it */
        if (is_late && !put(g, &s))
            return false;
        if (i == 0)
            sum = s;
        else
            hak_live_join(&sum, &s);
    }
    return is_late || put(g, &sum);
}

static bool put_place(struct hak_live_gather *g, const struct hak_columns *c,
                      const struct hak_live_place *place, uint64_t first_id, uint64_t known) {
    const struct hak_live_touched *t = &g->touched[place->at];
    if (known && hak_columns_value(c, HAK_COLUMN_GENERATION, t->first) <= known)
        return put_one_by_one(g, c, t, first_id);
    struct hak_live_state s = state_of(c, t, first_id);
    return put(g, &s);
}

/* What the chunk left moves one back, and the oldest is forgotten. */
static void age(struct hak_live_gather *g) {
    struct hak_live_recent oldest = g->recent[HAK_LIVE_GHOST_LAYERS];
    for (int i = HAK_LIVE_GHOST_LAYERS; i > 0; i--)
        g->recent[i] = g->recent[i - 1];
    g->recent[0] = oldest;
    g->recent[0].count = 0;
}

bool hak_live_gather_chunk(struct hak_live_gather *g, const struct hak_columns *c,
                           uint64_t first_id) {
    bool is_shared = false;
    bool is_plain = !c->by_index[HAK_COLUMN_SHAPE] && !c->by_index[HAK_COLUMN_ACTOR];
    uint32_t distinct =
        is_plain ? pass_over(g, c, true, &is_shared) : pass_over(g, c, false, &is_shared);
    uint32_t count = find_places(g, c, distinct, is_shared);
    uint32_t at[HAK_LIVE_GHOST_LAYERS + 1] = {0};
    age(g);
    if (!hak_live_pile_begin(&g->pile, first_id, hak_columns_value(c, HAK_COLUMN_NS, 0)))
        return false;
    for (uint32_t i = 0, same = 1; i < count; i += same) {
        const struct hak_live_place *place = &g->place[i];
        uint64_t known = 0;
        for (int before = 1; before <= HAK_LIVE_GHOST_LAYERS; before++) {
            uint64_t last = generation_before(&g->recent[before], &at[before], place);
            known = last > known ? last : known;
        }
        for (same = 1; i + same < count && is_same(place, &place[same]);)
            same++;
        if (place->at & AN_EVENT ? !put_shared(g, c, place, same, first_id, known)
                                 : !put_place(g, c, place, first_id, known))
            return false;
    }
    return true;
}
