/* The rule by which states of blocks are joined, and the table that joins those of many blocks. */
#include "store/live/table.h"

#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "base/array.h"
#include "trace/record.h"

#define SLOTS_AT_FIRST 1024
#define DIGIT_BITS     11
#define DIGITS         (1u << DIGIT_BITS)

bool hak_live_state_of(const struct hak_event *e, struct hak_live_state *out) {
    if (!hak_event_is_call(e) || e->flags & HAK_RECORD_ILLEGAL || !e->base || !e->process ||
        e->process >= HAK_LIVE_PROCESSES)
        return false;
    bool is_end = e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM;
    bool is_birth = !is_end && !(e->kind == HAK_REALLOC && e->place == HAK_PLACE_LIVE);
    *out = (struct hak_live_state){.base = e->base,
                                   .generation = e->generation,
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

static uint16_t cut_short(uint64_t distance) {
    return distance < UINT16_MAX ? (uint16_t)distance : UINT16_MAX;
}

static void take_birth(struct hak_live_state *to, const struct hak_live_state *from) {
    to->step = HAK_LIVE_BORN;
    to->birth = from->birth;
    to->ns = from->ns;
    to->stack = from->stack;
    to->thread = from->thread;
    to->since_birth = cut_short(to->generation - from->generation + from->since_birth);
    to->is_orphan = false;
}

/* An event that lies before the last one of `s`: it can only say how the life of `s` began. */
static void join_late(struct hak_live_state *s, const struct hak_live_state *late) {
    bool is_in_life =
        s->step == HAK_LIVE_RESIZED ||
        (s->step == HAK_LIVE_BORN && late->generation > s->generation - s->since_birth);
    s->is_fresh = s->is_fresh && late->is_fresh;
    if (!is_in_life || late->step == HAK_LIVE_RESIZED)
        return;
    if (late->step == HAK_LIVE_BORN) {
        take_birth(s, late);
        return;
    }
    s->step = HAK_LIVE_RESIZED;
    s->birth = s->ns = s->stack = s->thread = s->since_birth = 0;
    s->is_orphan = true;
}

void hak_live_join(struct hak_live_state *older, const struct hak_live_state *newer) {
    bool is_fresh = older->is_fresh && !newer->is_late, is_late = older->is_late;
    if (newer->generation && newer->generation < older->generation) {
        older->is_fresh = is_fresh;
        if (older->is_ghost) {
            older->is_ghost = older->is_fresh = false;
            older->is_late = true;
        }
        join_late(older, newer);
        return;
    }
    struct hak_live_state joined = *newer;
    if (older->is_ghost) {
        *older = joined;
        return;
    }
    if (!newer->generation)
        joined.generation = older->generation;
    if (newer->step == HAK_LIVE_RESIZED && !newer->is_orphan) {
        if (older->step == HAK_LIVE_BORN)
            take_birth(&joined, older);
        else
            joined.is_orphan = older->step == HAK_LIVE_ENDED || older->is_orphan;
    }
    joined.is_fresh = is_fresh;
    joined.is_late = is_late;
    *older = joined;
}

/* Where a state lies; `tag` tells most others apart without a look at it. */
struct hak_live_slot {
    uint32_t tag, place; /* place + 1; 0 = free */
};

void hak_live_table_free(struct hak_live_table *t) {
    free(t->state);
    free(t->slot);
    *t = (struct hak_live_table){0};
}

static uint64_t mix(uint32_t process, uint64_t base) {
    return (base ^ (uint64_t)process << 48) * 0x9e3779b97f4a7c15ull;
}

/* The slot of a block, or the free one that it gets. */
static struct hak_live_slot *find(const struct hak_live_table *t, uint32_t process, uint64_t base) {
    uint64_t mixed = mix(process, base);
    uint32_t at = (uint32_t)(mixed >> 32) & (t->slots - 1);
    for (;; at = (at + 1) & (t->slots - 1)) {
        struct hak_live_slot *slot = &t->slot[at];
        if (!slot->place)
            return slot;
        const struct hak_live_state *s = &t->state[slot->place - 1];
        if (slot->tag == (uint32_t)mixed && s->base == base && s->process == process)
            return slot;
    }
}

static void put_slot(struct hak_live_table *t, uint32_t place) {
    const struct hak_live_state *s = &t->state[place];
    *find(t, s->process, s->base) =
        (struct hak_live_slot){(uint32_t)mix(s->process, s->base), place + 1};
}

static void find_anew(struct hak_live_table *t) {
    memset(t->slot, 0, t->slots * sizeof *t->slot);
    for (uint32_t i = 0; i < t->used; i++)
        put_slot(t, i);
}

static bool grow(struct hak_live_table *t) {
    uint32_t slots = t->slots ? t->slots * 2 : SLOTS_AT_FIRST;
    struct hak_live_slot *slot = realloc(t->slot, slots * sizeof *slot);
    if (!slot)
        return false;
    t->slot = slot;
    t->slots = slots;
    find_anew(t);
    return true;
}

struct hak_live_state *hak_live_table_add(struct hak_live_table *t,
                                          const struct hak_live_state *newer) {
    if ((t->used >= t->slots / 4 * 3 && !grow(t)) ||
        !hak_array_make_room(&t->state, t->used, &t->room, sizeof *t->state))
        return NULL;
    struct hak_live_slot *slot = find(t, newer->process, newer->base);
    if (slot->place) {
        hak_live_join(&t->state[slot->place - 1], newer);
        return &t->state[slot->place - 1];
    }
    t->state[t->used] = *newer;
    *slot = (struct hak_live_slot){(uint32_t)mix(newer->process, newer->base), ++t->used};
    return &t->state[t->used - 1];
}

void hak_live_table_filter(struct hak_live_table *t,
                           bool (*is_kept)(const void *context, const struct hak_live_state *s),
                           const void *context) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->used; i++)
        if (is_kept(context, &t->state[i]))
            t->state[kept++] = t->state[i];
    t->used = kept;
    if (t->slots)
        find_anew(t);
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

static bool is_no_ghost(const void *context, const struct hak_live_state *s) {
    (void)context;
    return !s->is_ghost;
}

bool hak_live_table_sort(struct hak_live_table *t, bool with_ghosts) {
    if (!with_ghosts)
        hak_live_table_filter(t, is_no_ghost, NULL);
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

void hak_live_table_haunt(struct hak_live_table *t) {
    for (uint32_t i = 0; i < t->used; i++)
        t->state[i].is_ghost = true;
}
