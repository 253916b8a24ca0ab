/* The rule by which states of blocks are joined, and the table that joins those of many blocks. */
#include "store/live/table.h"

#include <stdlib.h>
#include "hop.h"
#include "base/growing.h"
#include "base/sorted.h"
#include "trace/record.h"

bool hak_live_state_of(const struct hak_event *e, struct hak_live_state *out) {
    if (!hak_event_is_call(e) || e->flags & HAK_RECORD_ILLEGAL || !e->base || !e->process ||
        e->process >= HAK_LIVE_PROCESSES)
        return false;
    bool is_end = e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM;
    bool is_birth = !is_end && !(e->kind == HAK_REALLOC && e->place == HAK_PLACE_LIVE);
    *out = (struct hak_live_state){.base = e->base,
                                   .process = e->process,
                                   .step = is_end     ? HAK_LIVE_ENDED
                                           : is_birth ? HAK_LIVE_BORN
                                                      : HAK_LIVE_RESIZED,
                                   .is_fresh = is_birth};
    if (is_end)
        return true;
    out->user = e->address;
    out->size = e->size;
    out->class_index = e->class_index;
    if (is_birth) {
        out->birth = e->id;
        out->ns = e->ns;
        out->stack = e->stack;
        out->thread = e->thread;
    }
    return true;
}

void hak_live_join(struct hak_live_state *older, const struct hak_live_state *newer) {
    struct hak_live_state joined = *newer;
    joined.is_fresh = older->is_fresh;
    if (newer->step == HAK_LIVE_RESIZED && older->step != HAK_LIVE_RESIZED) {
        joined.step = HAK_LIVE_BORN; /* behind an end its birth was lost: that has none either */
        joined.birth = older->birth;
        joined.ns = older->ns;
        joined.stack = older->stack;
        joined.thread = older->thread;
    }
    *older = joined;
}

void hak_live_table_free(struct hak_live_table *t) {
    free(t->state);
    hak_index_free(&t->index);
    *t = (struct hak_live_table){0};
}

static uint64_t key_of(const struct hak_live_state *s) {
    return s->base ^ (uint64_t)s->process << 48;
}

bool hak_live_table_add(struct hak_live_table *t, const struct hak_live_state *newer) {
    uint64_t at = 0;
    for (uint32_t row; (row = hak_index_find(&t->index, key_of(newer), &at)) != 0;)
        if (hak_live_compare(&t->state[row - 1], newer) == 0) {
            hak_live_join(&t->state[row - 1], newer);
            return true;
        }
    if (!hak_growing_make_room(&t->state, t->used, &t->room, sizeof *t->state))
        return false;
    t->state[t->used++] = *newer;
    return hak_index_add(&t->index, key_of(newer), t->used);
}

bool hak_live_table_filter(struct hak_live_table *t,
                           bool (*is_kept)(const void *context, const struct hak_live_state *s),
                           const void *context) {
    uint32_t before = t->used;
    t->used = 0;
    hak_index_free(&t->index);
    for (uint32_t i = 0; i < before; i++) {
        if (!is_kept(context, &t->state[i]))
            continue;
        t->state[t->used++] = t->state[i];
        if (!hak_index_add(&t->index, key_of(&t->state[i]), t->used))
            return false;
    }
    return true;
}

/* Joins `late` to the `count` states before it, both in order, from the end on: there is room for
 * all. Of a block the late ones come last. */
static void merge_late(struct hak_live_state *state, uint32_t count,
                       const struct hak_live_state *late, uint32_t late_count) {
    while (late_count) {
        bool is_late = !count || hak_live_compare(&state[count - 1], &late[late_count - 1]) <= 0;
        uint32_t to = count + late_count - 1;
        state[to] = is_late ? late[--late_count] : state[--count];
    }
}

bool hak_live_table_sort(struct hak_live_table *t, uint32_t sorted) {
    uint32_t count = t->used - sorted;
    hak_index_free(&t->index);
    if (!count)
        return true;
    const struct hak_live_state *from = t->state + sorted;
    struct hak_pair *pair = malloc(2 * (size_t)count * sizeof *pair);
    struct hak_live_state *late = pair ? malloc(count * sizeof *late) : NULL;
    if (late) {
        for (uint32_t i = 0; i < count; i++)
            pair[i] = (struct hak_pair){from[i].base, i};
        hak_sort_pairs(pair, count, pair + count);
        for (uint32_t i = 0; i < count; i++)
            pair[i].key = from[pair[i].value].process;
        hak_sort_pairs(pair, count, pair + count);
        for (uint32_t i = 0; i < count; i++)
            late[i] = from[pair[i].value];
        merge_late(t->state, sorted, late, count);
    }
    bool has_memory = late != NULL;
    free(late);
    free(pair);
    return has_memory;
}
