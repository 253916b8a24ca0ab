/* Follows the lives of SuperSlabs through the log, and what was set on the way. */
#include "viewer/layers/changes.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "superslab.h"

#define HIGH(kind) (1ull << (kind - 64))

const char *layers_state_name(unsigned state) {
    static const char *const names[SUPERSLAB_STATES] = {"gone", "FREE", "DRAINING", "HOT",
                                                        "reserve"};
    return state < SUPERSLAB_STATES ? names[state] : "unknown tier";
}

/* ---- lives -------------------------------------------------------------------------------------
 */

/* The place of the process's SuperSlab in the table, or the empty one for it. */
static uint32_t slot_at(const struct layers_changes *c, uint32_t process, uint64_t address) {
    uint64_t mixed = (address ^ (uint64_t)process << 40) * 0x9e3779b97f4a7c15ull;
    uint32_t at = (uint32_t)(mixed >> 32) & (c->slot_count - 1);
    while (c->slots[at]) {
        const struct superslab_life *life = &c->lives[c->slots[at] - 1];
        if (life->process == process && life->address == address)
            break;
        at = (at + 1) & (c->slot_count - 1);
    }
    return at;
}

/* Makes room for another life and its place. False without memory. */
static bool reserve_life(struct layers_changes *c) {
    if (c->count < c->capacity)
        return true;
    uint32_t wanted = c->capacity;
    if (!hak_growing_make_room(&c->lives, c->count, &wanted, sizeof *c->lives))
        return false;
    uint32_t *slots = calloc((size_t)4 * wanted, sizeof *slots);
    if (!slots)
        return false;
    free(c->slots);
    c->slots = slots;
    c->slot_count = 4 * wanted;
    c->capacity = wanted;
    for (uint32_t i = 0; i < c->count; i++)
        c->slots[slot_at(c, c->lives[i].process, c->lives[i].address)] = i + 1;
    return true;
}

/* Counts the change of state in its interval. */
static void count_state(struct layers *l, uint64_t ns, unsigned from, unsigned to) {
    uint64_t at = l->over_ns ? ns / l->over_ns : 0;
    if (!l->intervals || at >= l->interval_count)
        return;
    l->intervals[at].state_change[from]--;
    l->intervals[at].state_change[to]++;
    l->intervals[at].has_any = true;
    l->has_states = true;
}

/* The SuperSlab enters a state: the time in the last one, how many there are, and the interval. */
static void enter(struct layers *l, struct superslab_life *life, unsigned state, uint64_t ns) {
    struct layers_changes *c = l->changes;
    if (life->state == state)
        return;
    life->state_ns[life->state] += ns > life->since_ns ? ns - life->since_ns : 0;
    life->since_ns = ns;
    c->now += life->state == SUPERSLAB_GONE;
    c->now -= state == SUPERSLAB_GONE && c->now > 0;
    c->peak = c->now > c->peak ? c->now : c->peak;
    count_state(l, ns, life->state, state);
    life->state = (uint8_t)state;
}

/* Begins a SuperSlab's life; NULL without memory. */
static struct superslab_life *begin_life(struct layers *l, const struct hak_event *e,
                                         uint64_t address) {
    struct layers_changes *c = l->changes;
    if (!reserve_life(c)) {
        c->failed = true;
        return NULL;
    }
    struct superslab_life *life = &c->lives[c->count++];
    *life = (struct superslab_life){
        .address = address, .begin_ns = e->ns, .since_ns = e->ns, .process = e->process};
    c->slots[slot_at(c, e->process, address)] = c->count;
    enter(l, life, SUPERSLAB_FREE, e->ns);
    return life;
}

/* The life that goes on at this address; one that a fork brought begins when it is first heard of.
 */
static struct superslab_life *life_at(struct layers *l, const struct hak_event *e,
                                      uint64_t address) {
    struct layers_changes *c = l->changes;
    uint32_t known = c->slot_count ? c->slots[slot_at(c, e->process, address)] : 0;
    if (known && c->lives[known - 1].state != SUPERSLAB_GONE)
        return &c->lives[known - 1];
    return begin_life(l, e, address);
}

/* Adds a thread to the owners, unless it is the last one. */
static void add_owner(struct superslab_life *life, uint32_t thread) {
    if (life->owners > 0 && life->last_owner == thread)
        return;
    if (life->owners < SUPERSLAB_OWNERS)
        life->owner[life->owners] = thread;
    life->last_owner = thread;
    life->owners++;
}

/* Counts a change of tier, and enters it. */
static void change_tier(struct layers *l, struct superslab_life *life, const struct hak_event *e) {
    unsigned tier = (unsigned)(e->size & 0xff) + SUPERSLAB_FREE, before = life->state;
    if (tier > SUPERSLAB_HOT)
        return;
    if (e->size >> 8) /* told with it: what a fork brought may have been anything */
        before = (unsigned)(e->size >> 8 & 0xff) + SUPERSLAB_FREE;
    if (before < SUPERSLAB_STATES)
        l->changes->moves[before][tier]++;
    life->tiers++;
    enter(l, life, tier, e->ns);
}

/* Applies one event of a SuperSlab to its life. */
static void apply_superslab(struct layers *l, const struct hak_event *e) {
    uint64_t address = e->base & ~(uint64_t)(HAK_SUPERSLAB_BYTES - 1);
    struct superslab_life *life =
        e->kind == HAK_SUPERSLAB_MAP ? begin_life(l, e, address) : life_at(l, e, address);
    if (!life)
        return;
    switch (e->kind) {
    case HAK_SUPERSLAB_MAP:
        life->was_mapped = true;
        add_owner(life, e->thread);
        break;
    case HAK_SUPERSLAB_TAKE:
        life->takes++;
        add_owner(life, e->thread);
        enter(l, life, SUPERSLAB_FREE, e->ns);
        break;
    case HAK_SUPERSLAB_KEEP:
        life->keeps++;
        enter(l, life, SUPERSLAB_RESERVE, e->ns);
        break;
    case HAK_SUPERSLAB_ADOPT:
        life->adopts++;
        add_owner(life, e->thread);
        break;
    case HAK_SLAB_ACQUIRE:
        life->slabs++;
        break;
    case HAK_SUPERSLAB_UNMAP:
        life->was_unmapped = true;
        life->end_ns = e->ns;
        enter(l, life, SUPERSLAB_GONE, e->ns);
        break;
    default:
        change_tier(l, life, e);
    }
}

/* ---- settings ----------------------------------------------------------------------------------
 */

/* Applies a change of a class's places. */
static void apply_capacity(struct layers *l, const struct hak_event *e) {
    struct layers_capacity *capacity =
        &l->changes
             ->capacities[e->class_index < HAK_CLASSES ? e->class_index : HAK_METRIC_NO_CLASS];
    if (capacity->changes++ == 0)
        capacity->first = e->size >> 32;
    capacity->last = e->size & 0xffffffffu;
    if (capacity->changes == 1 || capacity->last < capacity->least)
        capacity->least = capacity->last;
    capacity->most = capacity->last > capacity->most ? capacity->last : capacity->most;
}

/* Applies a change of a learnt setting. */
static void apply_setting(struct layers *l, const struct hak_event *e) {
    struct layers_changes *c = l->changes;
    uint32_t setting = (uint32_t)(e->size >> 32), i = 0;
    while (i < c->setting_count && c->settings[i].setting != setting)
        i++;
    if (i == sizeof c->settings / sizeof c->settings[0])
        return;
    if (i == c->setting_count)
        c->settings[c->setting_count++] = (struct layers_setting){.setting = setting};
    c->settings[i].changes++;
    c->settings[i].value = e->size & 0xffffffffu;
}

/* Applies an event. 1 ends the scan: no memory. */
static int apply_event(void *context, const struct hak_event *e) {
    struct layers *l = context;
    if (e->kind == HAK_CAPACITY)
        apply_capacity(l, e);
    else if (e->kind == HAK_LEARN)
        apply_setting(l, e);
    else if (e->base)
        apply_superslab(l, e);
    return l->changes->failed;
}

/* ---- the log -----------------------------------------------------------------------------------
 */

/* Ends the SuperSlabs of processes that ended, as with its process one is gone, too; for the others
 * counts the time up to the capture's end. Returns a status, said if not 0. */
static int end_processes(struct layers *l) {
    struct layers_changes *c = l->changes;
    uint64_t *end = calloc(l->process_rows, sizeof *end);
    if (!end) {
        view_error("%s: out of memory", l->view->store_path);
        return VIEW_UNREADABLE;
    }
    struct hak_query q = hak_ask(hak_store_database(l->view->reader),
                                 "SELECT id, end_ns FROM process", "reading processes");
    while (hak_query_next(&q))
        if (hak_query_number(&q, 0) < l->process_rows)
            end[hak_query_number(&q, 0)] = hak_query_number(&q, 1);
    int status = view_end_query(l->view, &q, true);
    for (uint32_t i = 0; i < c->count; i++) {
        struct superslab_life *life = &c->lives[i];
        uint64_t until = life->process < l->process_rows ? end[life->process] : 0;
        life->end_ns = life->was_unmapped ? life->end_ns : until;
        if (life->state == SUPERSLAB_GONE)
            continue;
        if (until)
            enter(l, life, SUPERSLAB_GONE, until);
        else if (l->view->summary.last_ns > life->since_ns)
            life->state_ns[life->state] += l->view->summary.last_ns - life->since_ns;
    }
    free(end);
    return status;
}

int layers_read_changes(struct layers *l) {
    struct hak_filter filter = {.process = l->process,
                                .kind_mask_high =
                                    HIGH(HAK_SLAB_ACQUIRE) | HIGH(HAK_SUPERSLAB_MAP) |
                                    HIGH(HAK_SUPERSLAB_UNMAP) | HIGH(HAK_SUPERSLAB_ADOPT) |
                                    HIGH(HAK_SUPERSLAB_TAKE) | HIGH(HAK_SUPERSLAB_KEEP) |
                                    HIGH(HAK_TIER) | HIGH(HAK_CAPACITY) | HIGH(HAK_LEARN),
                                .class_index = -1};
    l->changes = calloc(1, sizeof *l->changes);
    if (!l->changes) {
        view_error("out of memory");
        return VIEW_UNREADABLE;
    }
    int error = hak_store_scan(l->view->reader, &filter, false, apply_event, l);
    if (l->changes->failed) {
        view_error("out of memory");
        return VIEW_UNREADABLE;
    }
    return error < 0 ? view_store_error(l->view, error) : end_processes(l);
}

void layers_free_changes(struct layers_changes *changes) {
    if (changes) {
        free(changes->lives);
        free(changes->slots);
    }
    free(changes);
}
