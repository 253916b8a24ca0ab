/* The rule by which states of blocks are joined, and the table that joins those of many blocks. */
#include "store/live_table.h"

#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "trace/record.h"

#define SLOTS_AT_FIRST 1024

bool hak_live_state_of(const struct hak_event *e, struct hak_live_state *out) {
    if (!hak_event_is_call(e) || e->flags & HAK_RECORD_ILLEGAL || !e->base || !e->process ||
        e->process >= HAK_LIVE_PROCESSES)
        return false;
    bool is_end = e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM;
    bool is_birth = !is_end && !(e->kind == HAK_REALLOC && e->place == HAK_PLACE_LIVE);
    *out = (struct hak_live_state){.base = e->base,
                                   .generation = e->generation,
                                   .process = e->process & (HAK_LIVE_PROCESSES - 1),
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

void hak_live_table_free(struct hak_live_table *t) {
    free(t->slot);
    free(t->spare);
    *t = (struct hak_live_table){0};
}

void hak_live_table_clear(struct hak_live_table *t) {
    if (t->slots > SLOTS_AT_FIRST * 64)
        hak_live_table_free(t);
    hak_live_table_empty(t);
}

void hak_live_table_empty(struct hak_live_table *t) {
    if (t->slot)
        memset(t->slot, 0, t->slots * sizeof *t->slot);
    t->used = 0;
}

static uint32_t place_of(uint32_t slots, uint32_t process, uint64_t base) {
    uint64_t mixed = (base ^ (uint64_t)process << 48) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(mixed >> 32) & (slots - 1);
}

static struct hak_live_state *find(struct hak_live_state *slot, uint32_t slots, uint32_t process,
                                   uint64_t base) {
    uint32_t at = place_of(slots, process, base);
    while (slot[at].process && (slot[at].base != base || slot[at].process != process))
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

struct hak_live_state *hak_live_table_find(const struct hak_live_table *t, uint32_t process,
                                           uint64_t base) {
    struct hak_live_state *s = t->slots ? find(t->slot, t->slots, process, base) : NULL;
    return s && s->process ? s : NULL;
}

void hak_live_table_expect(const struct hak_live_table *t, uint32_t process, uint64_t base) {
    if (t->slots)
        __builtin_prefetch(&t->slot[place_of(t->slots, process, base)], 1);
}

/* Memory for as many slots as there are, kept from one use to the next: what is given back to the
 * system and taken anew costs a fault for each page. */
static struct hak_live_state *take_spare(struct hak_live_table *t) {
    struct hak_live_state *spare = t->spare ? t->spare : malloc(t->slots * sizeof *spare);
    t->spare = NULL;
    return spare;
}

/* Moves what `keep` keeps into a table of `slots`. */
static bool rebuild(struct hak_live_table *t, uint32_t slots,
                    bool (*keep)(void *context, struct hak_live_state *state), void *context) {
    bool is_same = slots == t->slots;
    struct hak_live_state *slot = is_same ? take_spare(t) : malloc(slots * sizeof *slot);
    if (!slot)
        return false;
    memset(slot, 0, slots * sizeof *slot);
    t->used = 0;
    for (uint32_t i = 0; i < t->slots; i++) {
        struct hak_live_state *s = &t->slot[i];
        if (!s->process || (keep && !keep(context, s)))
            continue;
        *find(slot, slots, s->process, s->base) = *s;
        t->used++;
    }
    free(t->spare);
    t->spare = is_same ? t->slot : NULL;
    if (!is_same)
        free(t->slot);
    t->slot = slot;
    t->slots = slots;
    return true;
}

bool hak_live_table_keep(struct hak_live_table *t,
                         bool (*keep)(void *context, struct hak_live_state *state), void *context) {
    return t->slots == 0 || rebuild(t, t->slots, keep, context);
}

struct hak_live_state *hak_live_table_add(struct hak_live_table *t,
                                          const struct hak_live_state *newer) {
    if (t->used >= t->slots / 4 * 3 &&
        !rebuild(t, t->slots ? t->slots * 2 : SLOTS_AT_FIRST, NULL, NULL))
        return NULL;
    struct hak_live_state *known = find(t->slot, t->slots, newer->process, newer->base);
    if (known->process) {
        hak_live_join(known, newer);
    } else {
        *known = *newer;
        t->used++;
    }
    return known;
}

static int compare(const void *a, const void *b) {
    return hak_live_compare(a, b);
}

struct place {
    uint64_t base;
    uint32_t at;
};

/* By bytes of the base, the lowest first; `scratch` has room for as many. */
static void sort_places(struct place *place, uint32_t count, struct place *scratch) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        uint32_t start[257] = {0};
        for (uint32_t i = 0; i < count; i++)
            start[(place[i].base >> shift & 0xff) + 1]++;
        if (start[(place[0].base >> shift & 0xff) + 1] == count)
            continue; /* all alike */
        for (unsigned i = 1; i < 257; i++)
            start[i] += start[i - 1];
        for (uint32_t i = 0; i < count; i++)
            scratch[start[place[i].base >> shift & 0xff]++] = place[i];
        memcpy(place, scratch, count * sizeof *place);
    }
}

/* States of one process, by base. False when memory is out. */
static bool sort_by_base(struct hak_live_table *t, uint32_t count) {
    struct place *place = malloc(2 * (size_t)count * sizeof *place);
    struct hak_live_state *sorted = place ? take_spare(t) : NULL;
    for (uint32_t i = 0; sorted && i < count; i++)
        place[i] = (struct place){t->slot[i].base, i};
    if (sorted) {
        sort_places(place, count, place + count);
        for (uint32_t i = 0; i < count; i++)
            sorted[i] = t->slot[place[i].at];
        t->spare = t->slot;
        t->slot = sorted;
    }
    free(place);
    return sorted != NULL;
}

void hak_live_table_sort(struct hak_live_table *t, bool with_ghosts) {
    uint32_t kept = 0;
    bool is_of_one = true;
    for (uint32_t i = 0; i < t->slots; i++)
        if (t->slot[i].process && (with_ghosts || !t->slot[i].is_ghost)) {
            t->slot[kept++] = t->slot[i];
            is_of_one = is_of_one && t->slot[kept - 1].process == t->slot[0].process;
        }
    if (kept && !(is_of_one && sort_by_base(t, kept)))
        qsort(t->slot, kept, sizeof *t->slot, compare);
    t->used = kept;
}

void hak_live_table_haunt(struct hak_live_table *t) {
    for (uint32_t i = 0; i < t->slots; i++)
        t->slot[i].is_ghost = true;
}
