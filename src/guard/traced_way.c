/* A block's short ways to the program and back in level trace; traced_way.h tells when. */
#include "guard/traced_way.h"
#include "metrics/step.h"

bool hak_check_traced_way;

void hak_traced_way_start(void) {
    hak_check_traced_way = hak_trace_hears() && hak_options.check == HAK_CHECK_TRACE &&
                           !hak_layout_has_header() && !hak_options.junk;
}

typedef uint32_t __attribute__((may_alias)) word_of_slot;
_Static_assert(offsetof(struct hak_slot, place) % sizeof(word_of_slot) == 0,
               "the place and what stands behind it are one word");

/* The state of the slot that starts at `base`, in a slab of the calling thread's that serves the
 * class; and the generation of its addresses. A slot that is not there has a state, which nobody
 * ever sets. */
struct traced {
    struct hak_slot *slot;
    uint32_t epoch;
};

HAK_IN_PLACE bool find(base_t base, unsigned class_index, struct traced *at) {
    const struct hak_superslab *superslab = hak_superslab_of(base.p);
    unsigned slab_index = hak_slab_index_of(base.p);
    uint32_t magic = hak_class_magic[class_index];
    uint64_t product = (uint64_t)(uint16_t)base_address(base) * magic;
    at->slot = hak_states_of(superslab, slab_index) + (product >> 32);
    at->epoch = superslab->slabs[slab_index].epoch;
    return HAK_LIKELY((uint32_t)product < magic &&
                      superslab->class_of_slab[slab_index] == class_index && slab_index != 0 &&
                      at->epoch >> HAK_RECORD_EPOCH_BITS == 0);
}

/* Few stores; the place comes last, since another thread may look at the slot from then on. */
HAK_IN_PLACE void write_slot(struct hak_slot *slot, const struct hak_slot *now) {
    uint64_t count_and_stack;
    uint32_t bytes, place;
    __builtin_memcpy(&count_and_stack, now, sizeof count_and_stack);
    __builtin_memcpy(&bytes, &now->asked_bytes, sizeof bytes);
    __builtin_memcpy(&place, &now->place, sizeof place);
    __builtin_memcpy(slot, &count_and_stack, sizeof count_and_stack);
    slot->free_stack = now->free_stack;
    __builtin_memcpy(&slot->asked_bytes, &bytes, sizeof bytes);
    __atomic_store_n((word_of_slot *)(void *)&slot->place, place, __ATOMIC_RELEASE);
}

/* The stack comes first in both: little has to be kept over its call, and it changes nothing. The
 * record comes last, so that nothing has to be kept over that at all. */

bool hak_check_hand_out_traced(base_t base, unsigned class_index, size_t asked_bytes,
                               enum hak_subkind subkind) {
    struct traced at;
    uint8_t flags = 0;
    uint32_t stack = hak_take_call_stack(&flags);
    if (HAK_UNLIKELY(hak_is_asked() || hak_registry_owner_fast(base.p) == HAK_OWNER_NOBODY) ||
        !find(base, class_index, &at))
        return false;
    struct hak_slot *slot = at.slot;
    unsigned from = slot->place;
    if (HAK_UNLIKELY(from == HAK_PLACE_LIVE || !hak_move_is_allowed(HAK_MALLOC, from)))
        return false;
    uint32_t count = slot->record_count + 1;
    struct hak_slot now = {.record_count = count,
                           .alloc_stack = stack,
                           .asked_bytes = (uint16_t)asked_bytes,
                           .place = HAK_PLACE_LIVE,
                           .subkind = (uint8_t)(subkind | HAK_SLOT_LIVED)};
    write_slot(slot, &now);
    return hak_trace_record_call(hak_record_head(HAK_MALLOC, class_index),
                                 base_address(base) | (uint64_t)flags << HAK_RECORD_FLAGS_SHIFT,
                                 asked_bytes | (uint64_t)stack << 32,
                                 hak_record_tail(count, at.epoch, from, subkind),
                                 hak_metric_of_call[HAK_MALLOC][from]);
}

bool hak_check_freed_traced(base_t base, unsigned class_index, enum hak_given by,
                            enum hak_place to) {
    struct traced at;
    uint8_t flags = 0;
    uint32_t stack = hak_take_call_stack(&flags);
    if (HAK_UNLIKELY(hak_is_asked()) || !find(base, class_index, &at) ||
        HAK_UNLIKELY(at.slot->user_delta != 0 || !hak_take_live(at.slot, to)))
        return false;
    struct hak_slot *slot = at.slot;
    slot->free_stack = stack;
    uint32_t count = ++slot->record_count;
    return hak_trace_record_call(hak_record_head(HAK_FREE, class_index),
                                 base_address(base) | (uint64_t)flags << HAK_RECORD_FLAGS_SHIFT,
                                 slot->asked_bytes | (uint64_t)stack << 32,
                                 hak_record_tail(count, at.epoch, to, by),
                                 hak_metric_of_call[HAK_FREE][to]);
}
