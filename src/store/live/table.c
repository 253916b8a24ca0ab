/* The rule by which states of blocks are joined, and the table that joins those of many blocks. */
#include "store/live/table.h"

#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "base/array.h"
#include "trace/record.h"

#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)

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
    if (!hak_array_make_room(&t->state, t->used, &t->room, sizeof *t->state))
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

/* Sorts by a digit of what `digit` gives, if it is not the same for all. */
#define SORT_BY(digit)                                                                             \
    do {                                                                                           \
        uint32_t start[DIGITS] = {0}, sum = 0;                                                     \
        for (uint32_t i = 0; i < count; i++)                                                       \
            start[(digit(from[i]))]++;                                                             \
        for (uint32_t i = 0; i < DIGITS; i++) {                                                    \
            uint32_t here = start[i];                                                              \
            start[i] = sum;                                                                        \
            sum += here;                                                                           \
        }                                                                                          \
        for (uint32_t i = 0; i < count; i++)                                                       \
            to[start[(digit(from[i]))]++] = from[i];                                               \
        struct hak_live_place *kept = from;                                                        \
        from = to;                                                                                 \
        to = kept;                                                                                 \
    } while (0)
#define OF_BASE(place)    ((place).base >> shift & (DIGITS - 1))
#define OF_PROCESS(place) ((place).process >> shift & (DIGITS - 1))

void hak_live_sort_places(struct hak_live_place *place, uint32_t count,
                          struct hak_live_place *scratch) {
    struct hak_live_place *from = place, *to = scratch;
    uint64_t bases = 0;
    uint32_t processes = 0;
    for (uint32_t i = 1; i < count; i++) {
        bases |= place[i].base ^ place[0].base;
        processes |= place[i].process ^ place[0].process;
    }
    for (unsigned shift = bases ? (unsigned)__builtin_ctzll(bases) : 64; shift < 64;
         shift += DIGIT_BITS)
        if (bases >> shift & (DIGITS - 1))
            SORT_BY(OF_BASE);
    for (unsigned shift = 0; shift < 32; shift += DIGIT_BITS)
        if (processes >> shift & (DIGITS - 1))
            SORT_BY(OF_PROCESS);
    if (from != place)
        memcpy(place, from, count * sizeof *place);
}

bool hak_live_table_sort(struct hak_live_table *t) {
    if (!t->used)
        return true;
    struct hak_live_place *place = malloc(2 * (size_t)t->used * sizeof *place);
    struct hak_live_state *sorted = place ? malloc(t->used * sizeof *sorted) : NULL;
    for (uint32_t i = 0; sorted && i < t->used; i++)
        place[i] = (struct hak_live_place){t->state[i].base, t->state[i].process, i};
    if (sorted) {
        hak_live_sort_places(place, t->used, place + t->used);
        for (uint32_t i = 0; i < t->used; i++)
            sorted[i] = t->state[place[i].at];
        free(t->state);
        t->state = sorted;
        t->room = t->used;
    }
    free(place);
    return sorted != NULL;
}
