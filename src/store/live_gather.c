/* One pass over a chunk: what every block in it went through, joined to the states of its stretch.
 */
#include "store/live_gather.h"

#include <stdlib.h>
#include "hop.h"
#include "trace/record.h"

#define AHEAD 8 /* blocks whose slot is fetched before it is used */

/* The events of one block in a chunk. Those of one chunk lie in the order of generations. */
struct hak_live_touched {
    uint32_t process;              /* 0 = none so far */
    uint32_t first, last, records; /* moves of any kind */
    uint32_t birth, call;          /* the last birth; the last call that counted */
    uint8_t step;                  /* enum hak_live_step of the last call */
    bool is_known, is_fresh;       /* a call counted; the first one was a birth */
    bool is_orphan;                /* of RESIZED: a life ended before it */
};

bool hak_live_gather_init(struct hak_live_gather *g) {
    *g = (struct hak_live_gather){.touched = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *g->touched)};
    return g->touched != NULL;
}

void hak_live_gather_free(struct hak_live_gather *g) {
    hak_live_table_free(&g->table);
    free(g->touched);
    *g = (struct hak_live_gather){0};
}

static struct hak_live_state state_of(const struct hak_columns *c, const struct hak_live_touched *t,
                                      uint64_t first_id) {
    uint64_t base = hak_columns_value(c, HAK_COLUMN_BASE, t->first);
    struct hak_live_state s = {
        .base = base,
        .process = t->process < HAK_LIVE_PROCESSES ? t->process & (HAK_LIVE_PROCESSES - 1) : 0,
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

/* The events of one block one by one: some of them may come before what the table knows. */
static bool add_one_by_one(struct hak_live_gather *g, const struct hak_columns *c,
                           const struct hak_live_touched *t, uint64_t first_id) {
    const uint32_t *index = c->index[HAK_COLUMN_BASE];
    for (uint32_t i = t->first; i <= t->last; i++) {
        struct hak_event e;
        struct hak_live_state s;
        if (index[i] != index[t->first])
            continue;
        hak_columns_get(c, i, first_id + i, &e);
        if (e.process != t->process || !hak_live_state_of(&e, &s))
            continue;
        s.is_fresh = s.is_fresh && !g->is_lossy;
        struct hak_live_state *known = hak_live_table_add(&g->table, &s);
        if (!known)
            return false;
        known->stamp = g->stamp;
    }
    return true;
}

static bool add_touched(struct hak_live_gather *g, const struct hak_columns *c,
                        const struct hak_live_touched *t, uint64_t first_id) {
    if (!t->process || !t->is_known || leaves_nothing(g, c, t))
        return true;
    struct hak_live_state s = state_of(c, t, first_id);
    if (!s.base || !s.process)
        return true;
    struct hak_live_state *known = hak_live_table_find(&g->table, s.process, s.base);
    if (known && hak_columns_value(c, HAK_COLUMN_GENERATION, t->first) <= known->generation)
        return add_one_by_one(g, c, t, first_id);
    s.is_fresh = s.is_fresh && !g->is_lossy;
    known = hak_live_table_add(&g->table, &s);
    if (known)
        known->stamp = g->stamp;
    return known != NULL;
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

/* One pass: what every distinct base of the chunk went through; returns how many there are in
 * `distinct`. Where two processes use one base in the same chunk, what the first one did goes into
 * the table before. */
static inline bool pass_over(struct hak_live_gather *g, const struct hak_columns *c,
                             uint64_t first_id, bool is_plain, uint32_t *distinct) {
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
            if (!add_touched(g, c, t, first_id))
                return false;
            *t = (struct hak_live_touched){.process = (uint32_t)(actor >> 32), .first = i};
        }
        t->records++;
        t->last = i;
        if ((shape & 0xff) <= HAK_REALLOC_FROM && !(shape >> 32 & HAK_RECORD_ILLEGAL))
            note_call(t, shape, i);
    }
    *distinct = seen;
    return true;
}

bool hak_live_gather_chunk(struct hak_live_gather *g, const struct hak_columns *c,
                           uint64_t first_id) {
    uint32_t distinct = 0;
    bool is_plain = !c->by_index[HAK_COLUMN_SHAPE] && !c->by_index[HAK_COLUMN_ACTOR];
    bool has_memory = is_plain ? pass_over(g, c, first_id, true, &distinct)
                               : pass_over(g, c, first_id, false, &distinct);
    for (uint32_t k = 0; k < distinct && has_memory; k++) {
        const struct hak_live_touched *t = &g->touched[k + AHEAD < distinct ? k + AHEAD : k];
        if (t->is_known && (t->step != HAK_LIVE_ENDED || !t->is_fresh))
            hak_live_table_expect(&g->table, t->process,
                                  hak_columns_value(c, HAK_COLUMN_BASE, t->first));
        has_memory = add_touched(g, c, &g->touched[k], first_id);
    }
    return has_memory;
}
