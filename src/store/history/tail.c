/* Follows the events behind the last run for all processes at once. */
#include "store/history/tail.h"

#include <stdlib.h>
#include "hop.h"
#include "base/growing.h"
#include "base/index.h"
#include "base/sorted.h"
#include "store/profile/profile.h"
#include "store/reader/inner.h"

#define COUNTED_AGAIN 16 /* times until there may be as many states more as are wanted */

/* A state in the table of its process. */
struct tail_block {
    struct hak_profile_block at; /* its key: enum hak_live_step, + 1 */
    uint64_t user, ns;
    uint32_t stack, thread;
};

struct member {
    uint32_t process;
    uint32_t parent;     /* number of the member + 1; 0 = it was not forked */
    uint64_t fork_event; /* the last event of its parent that it inherits; 0 = none */
    bool is_covered;
    bool is_forked;                 /* the FORK behind the last run is taken, or there is none */
    struct hak_profile_layer *held; /* states; NULL = none so far */
};

struct hak_tail {
    struct hak_store_reader *reader;
    struct hak_tail_query query;
    struct member *member; /* by row id of the process */
    uint32_t members, member_room;
    struct hak_index by_process;                 /* number + 1 */
    uint32_t *fork, forks, next_fork, fork_room; /* members by their FORKs behind the last run */
    uint64_t below, chunks;
    uint32_t puts, visit;
    uint64_t *base; /* of all layers, while they are counted */
    uint32_t bases;
    bool failed; /* no memory */
};

static uint32_t number_of(const struct hak_tail *t, uint32_t process) {
    uint64_t place = 0;
    return hak_index_find(&t->by_process, process, &place);
}

/* ---- forks -------------------------------------------------------------------------------------
 */

/* Lists the processes, each with its parent's row. 0, or an error. */
static int read_members(struct hak_tail *t) {
    struct hak_query q = hak_ask(&t->reader->db,
                                 "SELECT p.id, coalesce(q.id, 0), p.fork_event FROM process p"
                                 " LEFT JOIN process q ON q.id = p.parent AND"
                                 " q.session = p.session ORDER BY p.id",
                                 "listing its processes");
    while (!t->failed && hak_query_next(&q)) {
        struct member m = {.process = hak_query_id(&q, 0),
                           .parent = hak_query_id(&q, 1), /* its row, for now */
                           .fork_event = hak_query_count(&q, 2)};
        if (!m.process || m.process >= HAK_LIVE_PROCESSES)
            continue;
        t->failed =
            !hak_growing_make_room(&t->member, t->members, &t->member_room, sizeof *t->member) ||
            !hak_index_add(&t->by_process, m.process, t->members + 1);
        if (!t->failed)
            t->member[t->members++] = m;
    }
    return hak_query_end(&q);
}

/* Settles whether a process is covered: if a covered one forked it at a known event, behind that
 * one's own FORK. Parents have lower rows: they are known first. */
static void settle_member(struct hak_tail *t, struct member *m) {
    uint32_t row = m->parent;
    m->parent = number_of(t, row);
    if (!row) {
        m->fork_event = 0;
        m->is_covered = m->is_forked = true;
        return;
    }
    const struct member *parent = m->parent ? &t->member[m->parent - 1] : NULL;
    m->is_covered = parent && parent < m && parent->is_covered && m->fork_event &&
                    m->fork_event >= parent->fork_event;
    m->is_forked = m->fork_event < t->query.first;
    if (!m->is_covered || m->is_forked)
        return;
    t->failed |= !hak_growing_make_room(&t->fork, t->forks, &t->fork_room, sizeof *t->fork);
    if (!t->failed)
        t->fork[t->forks++] = (uint32_t)(m - t->member);
}

/* Sorts the forks by event, then by row: a parent comes before its child. False: no memory. */
static bool sort_forks(struct hak_tail *t) {
    struct hak_pair *pair = malloc(2 * (size_t)(t->forks + 1) * sizeof *pair);
    if (!pair)
        return false;
    for (uint32_t i = 0; i < t->forks; i++)
        pair[i] = (struct hak_pair){t->member[t->fork[i]].fork_event, t->fork[i]};
    hak_sort_pairs(pair, t->forks, pair + t->forks);
    for (uint32_t i = 0; i < t->forks; i++)
        t->fork[i] = (uint32_t)pair[i].value;
    free(pair);
    return true;
}

/* ---- events ------------------------------------------------------------------------------------
 */

/* Gives processes that were forked before event `id` what their parents hold: they inherit nothing
 * of it and what follows. */
static void take_forks(struct hak_tail *t, uint64_t id) {
    for (; t->next_fork < t->forks && !t->failed; t->next_fork++) {
        struct member *child = &t->member[t->fork[t->next_fork]];
        if (child->fork_event >= id)
            return;
        struct member *parent = &t->member[child->parent - 1];
        child->is_forked = true;
        child->held = hak_profile_share(parent->held);
    }
}

/* The block's state as the live runs keep it. */
static struct hak_live_state state_of(const struct hak_profile_block *at, uint32_t process) {
    const struct tail_block *b = (const struct tail_block *)(const void *)at;
    return (struct hak_live_state){.base = at->base,
                                   .user = b->user,
                                   .size = at->size,
                                   .birth = at->birth,
                                   .ns = b->ns,
                                   .stack = b->stack,
                                   .thread = b->thread,
                                   .process = process,
                                   .class_index = (uint8_t)at->class_index,
                                   .step = (at->key - 1) & 3u};
}

/* Keeps a block's state for its process; where there are no runs before, an ended block needs
 * none. */
static void put(struct hak_tail *t, struct member *m, const struct hak_live_state *s) {
    bool is_needed = s->step != HAK_LIVE_ENDED || t->query.first != 1;
    struct tail_block b = {.at = {.base = s->base,
                                  .size = s->size,
                                  .birth = s->birth,
                                  .key = is_needed ? s->step + 1u : 0,
                                  .class_index = s->class_index},
                           .user = s->user,
                           .ns = s->ns,
                           .stack = s->stack,
                           .thread = s->thread};
    t->failed |= !hak_profile_hold(&m->held, &b.at, sizeof b);
    t->puts++;
}

/* Calls `look` for the layers of all members, each once. */
static void each_layer(struct hak_tail *t,
                       void (*look)(struct hak_tail *t, struct hak_profile_layer *l)) {
    t->visit++;
    for (uint32_t i = 0; i < t->members; i++)
        for (struct hak_profile_layer *l = t->member[i].held; l && l->visit != t->visit;
             l = l->below) {
            l->visit = t->visit;
            look(t, l);
        }
}

/* Of the lowest layers blocks that were given back go when there is no room. */
static void count_layer(struct hak_tail *t, struct hak_profile_layer *l) {
    t->bases += l->below ? l->used : l->held;
}

/* Lists the bases that a layer holds or hides. */
static void list_layer(struct hak_tail *t, struct hak_profile_layer *l) {
    for (size_t i = 0; i < (size_t)1 << l->bits; i++) {
        const struct hak_profile_block *b = hak_profile_at(l, i);
        if (b->base && (l->below || b->key))
            t->base[t->bases++] = b->base;
    }
}

static void cut_layer(struct hak_tail *t, struct hak_profile_layer *l) {
    t->failed |= !hak_profile_cut(l, t->below);
}

/* Forgets the upper half of the bases where there are more states than are wanted; they come with
 * the next batch. */
static void press_states(struct hak_tail *t) {
    t->puts = t->bases = 0;
    each_layer(t, count_layer);
    if (t->bases <= t->query.states)
        return;
    t->base = malloc(t->bases * sizeof *t->base);
    t->failed |= !t->base;
    if (t->failed)
        return;
    t->bases = 0;
    each_layer(t, list_layer);
    t->bases = hak_sort_distinct(t->base, t->bases);
    uint64_t middle = t->bases > 1 ? t->base[(t->bases + 1) / 2] : 0;
    free(t->base);
    if (!middle)
        return;
    t->below = middle;
    each_layer(t, cut_layer);
}

/* Applies one call to the blocks of its process; now and then states that no longer matter are
 * dropped. */
static void take_event(struct hak_tail *t, const struct hak_event *e) {
    struct hak_live_state now, state;
    take_forks(t, e->id);
    if (!hak_live_state_of(e, &now) || (t->below && now.base >= t->below))
        return;
    uint32_t number = number_of(t, e->process);
    struct member *m = number ? &t->member[number - 1] : NULL;
    if (!m || !m->is_covered || !m->is_forked)
        return;
    const struct hak_profile_block *before = hak_profile_find(m->held, now.base);
    bool is_there = before && before->key;
    state = is_there ? state_of(before, e->process) : now;
    if (is_there)
        hak_live_join(&state, &now);
    put(t, m, &state);
    if (t->puts > t->query.states / COUNTED_AGAIN)
        press_states(t);
}

/* Reads the events behind the last stored run, and applies each. 0, or an error. */
static int read_tail_events(struct hak_tail *t) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    limits.filter.id_from = t->query.first;
    limits.filter.id_to = t->query.id_to;
    limits.filter.ns_to = t->query.ns_to;
    limits.filter.base_from = t->query.base_from;
    limits.filter.base_to = t->query.base_from ? INT64_MAX : 0;
    limits.filter.kind_mask_low =
        1u << HAK_MALLOC | 1u << HAK_FREE | 1u << HAK_REALLOC | 1u << HAK_REALLOC_FROM;
    limits.columns = HAK_ALL_COLUMNS & ~(1u << HAK_COLUMN_OLD);
    int result = hak_scan_open(t->reader, &limits, false, &scan);
    if (result)
        return result;
    while (!t->failed && (result = hak_scan_next(scan, &e)) == 1)
        take_event(t, &e);
    t->chunks = hak_scan_chunks(scan);
    hak_scan_close(scan);
    take_forks(t, UINT64_MAX);
    return result < 0 ? result : 0;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

int hak_tail_read(struct hak_store_reader *r, const struct hak_tail_query *query,
                  struct hak_tail **out) {
    struct hak_tail *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t)
        return hak_store_no_memory(r->db.path);
    t->reader = r;
    t->query = *query;
    int error = read_members(t);
    for (uint32_t i = 0; i < t->members && !error && !t->failed; i++)
        settle_member(t, &t->member[i]);
    if (!error && !t->failed)
        t->failed = !sort_forks(t);
    if (!error && !t->failed)
        error = read_tail_events(t);
    if (!error && t->failed)
        error = hak_store_no_memory(r->db.path);
    if (error)
        hak_tail_free(t);
    else
        *out = t;
    return error;
}

void hak_tail_free(struct hak_tail *t) {
    if (!t)
        return;
    for (uint32_t i = 0; i < t->members; i++)
        hak_profile_drop(t->member[i].held);
    hak_index_free(&t->by_process);
    free(t->member);
    free(t->fork);
    free(t);
}

uint64_t hak_tail_below(const struct hak_tail *t) {
    return t->below;
}

uint64_t hak_tail_chunks(const struct hak_tail *t) {
    return t->chunks;
}

bool hak_tail_covers(const struct hak_tail *t, uint32_t process) {
    uint32_t number = number_of(t, process);
    return number && t->member[number - 1].is_covered;
}

struct collected {
    struct hak_live_table table;
    uint32_t process;
    bool failed;
};

/* Appends the block's state to the collected ones. */
static void collect(void *context, const struct hak_profile_block *b) {
    struct collected *c = context;
    struct hak_live_table *into = &c->table;
    if (c->failed ||
        !hak_growing_make_room(&into->state, into->used, &into->room, sizeof *into->state))
        c->failed = true;
    else
        into->state[into->used++] = state_of(b, c->process);
}

int hak_tail_hold(const struct hak_tail *t, uint32_t process, struct hak_live_cursor *out) {
    uint32_t number = number_of(t, process);
    const struct member *m = number ? &t->member[number - 1] : NULL;
    struct collected c = {.process = process};
    if (m)
        hak_profile_each(m->held, collect, &c);
    if (c.failed || !hak_live_table_sort(&c.table, 0)) {
        hak_live_table_free(&c.table);
        return hak_store_no_memory(t->reader->db.path);
    }
    hak_live_cursor_hold(out, c.table.state, c.table.used);
    return 0;
}
