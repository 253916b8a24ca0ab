/* Debug build: compares the checks' state of each slot with the place where the slot was found, and
 * the counted calls with the blocks that the program has. */
#include "verify/verify.h"

#include "guard/locate/locate.h"
#include "metrics/count.h"

/* Checks the state of a slot that is out of its slab and in no cache: it is the program's, and
 * counted, or waits in quarantine. */
static void verify_out(struct hak_verify *v, const struct hak_verify_where *where,
                       const struct hak_slot *slot, uint64_t *live) {
    if (slot->place == HAK_PLACE_LIVE)
        ++*live;
    else if (slot->place != HAK_PLACE_QUARANTINE && !v->some_at_work && !v->some_lost)
        hak_verify_words(v, where, HAK_VERIFY_STRAY_STATE, hak_verify_place(slot->place),
                         hak_verify_place(HAK_PLACE_LIVE));
}

/* Compares the state of each slot that was seen in no cache with where it is: untouched, free in
 * its slab, or out of it; counts the live ones in `*live`. */
static void verify_slot_states(struct hak_verify *v, struct hak_verify_slot *at, uint64_t *live) {
    struct hak_superslab *superslab = at->entry->superslab;
    size_t slot_bytes = hak_class_bytes(at->class_index);
    const struct hak_slot *states =
        hak_states_of(superslab, at->slab_index) + hak_first_state(at->class_index);
    char *first = hak_slab_start(at->slab) + hak_first_slot_offset(at->class_index);
    for (at->slot = 0; at->slot < at->slab->capacity; at->slot++) {
        const struct hak_slot *slot = &states[at->slot];
        struct hak_verify_where where = {.heap = at->entry->owner,
                                         .superslab = superslab,
                                         .slab = at->slab_index,
                                         .block = base_from(first + at->slot * slot_bytes)};
        bool is_untouched = at->slot >= at->slab->carved;
        if (is_untouched || hak_verify_is_free(at->slab, at->slot)) {
            /* Of a slab that was taken up as it was nothing is known any more (begin_epoch). */
            if (slot->place != HAK_PLACE_UNTOUCHED &&
                (is_untouched || slot->place != HAK_PLACE_SLAB))
                hak_verify_words(
                    v, &where, HAK_VERIFY_SLOT_STATE, hak_verify_place(slot->place),
                    hak_verify_place(is_untouched ? HAK_PLACE_UNTOUCHED : HAK_PLACE_SLAB));
        } else if (!hak_verify_was_seen(at)) {
            verify_out(v, &where, slot, live);
        }
    }
}

/* Compares the slot states of all slabs whose own fields agree. */
static void verify_superslabs(struct hak_verify *v, uint64_t *live) {
    for (size_t i = 0; i < v->entry_count; i++) {
        struct hak_verify_slot at = {.entry = &v->entries[i]};
        struct hak_superslab *superslab = at.entry->superslab;
        if (at.entry->owner == HAK_OWNER_RESERVE || !superslab->slots)
            continue;
        for (at.slab_index = 1; at.slab_index < HAK_SLABS; at.slab_index++) {
            at.slab = &superslab->slabs[at.slab_index];
            at.class_index = superslab->class_of_slab[at.slab_index];
            if (at.class_index < HAK_CLASSES && at.slab->class_index == at.class_index &&
                at.slab->carved <= at.slab->capacity &&
                at.slab->capacity == hak_class_slots(at.class_index))
                verify_slot_states(v, &at, live);
        }
    }
}

/* Checks that every block that was handed out and not given back is the program's. Not in a forked
 * child, which counts anew, and only where all blocks were seen. */
static void verify_calls(struct hak_verify *v, uint64_t live_blocks) {
    static struct hak_counters_sum sum; /* hak_registry_lock */
    struct hak_verify_where where = {.cache = "counted calls"};
    if (hak_counters_dropped == HAK_COUNTERS_IN_CHILD || v->some_at_work || v->large_at_work)
        return;
    sum = (struct hak_counters_sum){0};
    hak_counters_sum(&sum);
    uint64_t balance = (uint64_t)hak_counters_dropped;
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
        for (unsigned m = 0; m < HAK_METRIC_RESIZED; m++)
            balance += m < HAK_METRIC_GIVEN_FIRST ? sum.cells[k][m] : -sum.cells[k][m];
    hak_verify_same(v, &where, "blocks with the program (handed out less given back)", live_blocks,
                    balance);
}

void hak_verify_states(struct hak_verify *v, uint64_t live_large_blocks) {
    uint64_t live_blocks = live_large_blocks;
    if (!hak_is_debug_build || !v->seen_bits)
        return;
    verify_superslabs(v, &live_blocks);
    verify_calls(v, live_blocks);
}
