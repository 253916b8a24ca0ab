/* The rule by which events become lives, the order of generations, and what a child inherits. */
#include "store/history/life.h"

#include <stdlib.h>
#include "hop.h"
#include "store/reader/state.h"
#include "trace/record.h"

enum { DOUBLE_FREE_CODE = 202 }; /* faults.def */

static enum hak_life_step end(struct hak_life_state *state, const struct hak_event *e) {
    if (!(e->flags & HAK_RECORD_ILLEGAL)) {
        if (!state->is_open)
            state->user = e->address;
        state->exists = true;
        state->is_open = false;
        return HAK_LIFE_ENDED;
    }
    bool is_again = state->exists && !state->is_open && e->address == state->user;
    return is_again ? HAK_LIFE_ENDED_AGAIN : HAK_LIFE_NOTHING;
}

enum hak_life_step hak_life_next(struct hak_life_state *state, const struct hak_event *e) {
    bool is_illegal = (e->flags & HAK_RECORD_ILLEGAL) != 0;
    switch (e->kind) {
    case HAK_MALLOC:
    case HAK_REALLOC:
        if (is_illegal) /* realloc of what is no live block */
            return end(state, e);
        if (e->kind == HAK_REALLOC && e->place == HAK_PLACE_LIVE) {
            *state = (struct hak_life_state){true, true, e->address};
            return HAK_LIFE_RESIZED;
        }
        *state = (struct hak_life_state){true, true, e->address};
        return HAK_LIFE_BORN;
    case HAK_FREE:
    case HAK_REALLOC_FROM:
        return end(state, e);
    case HAK_FAULT:
        return (uint32_t)e->size == DOUBLE_FREE_CODE && state->exists && !state->is_open
                   ? HAK_LIFE_ENDED_AGAIN
                   : HAK_LIFE_NOTHING;
    default:
        return HAK_LIFE_NOTHING;
    }
}

bool hak_order_init(struct hak_order *order,
                    void (*take)(void *context, const struct hak_event *event), void *context) {
    *order = (struct hak_order){
        .heap = malloc(HAK_ORDER_EVENTS * sizeof *order->heap), .take = take, .context = context};
    return order->heap != NULL;
}

void hak_order_free(struct hak_order *order) {
    free(order->heap);
    *order = (struct hak_order){0};
}

static bool is_before(const struct hak_order *o, uint32_t a, uint32_t b) {
    if (o->heap[a].generation != o->heap[b].generation)
        return o->heap[a].generation < o->heap[b].generation;
    return o->heap[a].event.id < o->heap[b].event.id;
}

static void swap(struct hak_order *o, uint32_t a, uint32_t b) {
    __typeof__(*o->heap) kept = o->heap[a];
    o->heap[a] = o->heap[b];
    o->heap[b] = kept;
}

static void push(struct hak_order *o, uint64_t generation, const struct hak_event *e) {
    uint32_t at = o->count++;
    o->heap[at].generation = generation;
    o->heap[at].event = *e;
    for (; at && is_before(o, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(o, at, (at - 1) / 2);
}

static void pop(struct hak_order *o, struct hak_event *out) {
    *out = o->heap[0].event;
    o->heap[0] = o->heap[--o->count];
    for (uint32_t at = 0;;) {
        uint32_t child = 2 * at + 1;
        if (child >= o->count)
            return;
        if (child + 1 < o->count && is_before(o, child + 1, child))
            child++;
        if (!is_before(o, child, at))
            return;
        swap(o, at, child);
        at = child;
    }
}

static bool is_next(const struct hak_order *o, uint64_t generation) {
    return o->told_generation && generation <= o->told_generation + 1;
}

static void tell(struct hak_order *o, uint64_t generation, const struct hak_event *e) {
    if (generation > o->told_generation)
        o->told_generation = generation;
    o->take(o->context, e);
}

static void tell_first(struct hak_order *o) {
    struct hak_event e;
    uint64_t generation = o->heap[0].generation;
    pop(o, &e);
    tell(o, generation, &e);
}

void hak_order_put(struct hak_order *o, const struct hak_event *e) {
    if (e->generation)
        o->last_generation = e->generation;
    if (!o->count && is_next(o, o->last_generation)) { /* the usual case */
        tell(o, o->last_generation, e);
        return;
    }
    if (o->count == HAK_ORDER_EVENTS)
        tell_first(o);
    push(o, o->last_generation, e);
    while (o->count && is_next(o, o->heap[0].generation))
        tell_first(o);
}

void hak_order_finish(struct hak_order *o) {
    while (o->count)
        tell_first(o);
}

int hak_lineage_load(struct hak_store_reader *r, uint32_t process, struct hak_lineage *out) {
    uint64_t id_to = UINT64_MAX, ns_to = UINT64_MAX;
    *out = (struct hak_lineage){0};
    while (process && out->count < HAK_LINEAGE_MAX) {
        out->link[out->count].process = process;
        out->link[out->count].id_to = id_to;
        out->link[out->count++].ns_to = ns_to;
        uint64_t
            row[3]; /* an exec'd image inherits nothing: the parent must be of the same session */
        int found = hak_database_numbers(&r->db,
                                         "SELECT p.parent, p.fork_event, p.start_ns FROM process p"
                                         " JOIN process q ON q.id = p.parent"
                                         " WHERE p.id = ?1 AND q.session = p.session",
                                         process, row, 3);
        if (found <= 0)
            return found;
        process = (uint32_t)row[0];
        if (row[1])
            id_to = row[1] < id_to ? row[1] : id_to;
        else
            ns_to = row[2] < ns_to ? row[2] : ns_to;
    }
    return 0;
}

bool hak_lineage_has(const struct hak_lineage *lineage, const struct hak_event *e) {
    for (int i = 0; i < lineage->count; i++)
        if (lineage->link[i].process == e->process)
            return e->id <= lineage->link[i].id_to && e->ns <= lineage->link[i].ns_to;
    return false;
}

int hak_order_walk(struct hak_store_reader *r, uint64_t base, uint64_t id_to,
                   const struct hak_lineage *lineage,
                   void (*take)(void *context, const struct hak_event *event), void *context,
                   const int *stop) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan = NULL;
    struct hak_order order;
    struct hak_event e;
    limits.filter.base = base;
    limits.filter.id_to = id_to;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.filter.kind_mask_high = (uint64_t)1 << (HAK_FAULT - 64) | (uint64_t)1 << (HAK_POOL - 64);
    if (!hak_order_init(&order, take, context))
        return hak_store_no_memory(r->db.path);
    int result = hak_scan_open(r, &limits, false, &scan);
    while (!result && !(stop && *stop) && (result = hak_scan_next(scan, &e)) == 1) {
        result = 0;
        if (hak_lineage_has(lineage, &e))
            hak_order_put(&order, &e);
    }
    if (!result)
        hak_order_finish(&order);
    hak_scan_close(scan);
    hak_order_free(&order);
    return result;
}
