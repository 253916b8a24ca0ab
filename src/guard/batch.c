/* Moves of several blocks at once (hop_all): neighbours share the look at their slab, one stack
 * serves all of them, and those of one slab one record.
 *
 *   blocks   a0 a1 a2 a3 | b0 | a4 ...      runs of one slab, in their order
 *   record   batch of 4  | 1  | ...
 *
 * All other cases go through hak_hop_block block by block: illegal moves, which it reports, moves
 * into linked lists, and blocks in no slab of the class. */
#include "guard/guard.h"

struct slab {
    uintptr_t start;
    struct hak_slot *states;
    uint32_t first_state, slots;
    uint32_t magic;
};

/* Finds the slab that `p` lies in, and the generation of its addresses; false: it is none that
 * serves the class. */
static inline bool find_slab(const void *p, unsigned class_index, struct slab *slab,
                             uint32_t *epoch) {
    if (HAK_UNLIKELY(hak_registry_owner_fast(p) == HAK_OWNER_NOBODY) && !hak_registry_find(p))
        return false;
    const struct hak_superslab *superslab = hak_superslab_of(p);
    unsigned index = hak_slab_index_of(p);
    if (HAK_UNLIKELY(class_index >= HAK_CLASSES || superslab->class_of_slab[index] != class_index))
        return false;
    slab->start = (uintptr_t)p & ~(uintptr_t)(HAK_SLAB_BYTES - 1);
    slab->states = hak_states_of(superslab, index);
    slab->first_state = hak_first_state(class_index);
    slab->slots = hak_class_slots(class_index);
    slab->magic = hak_class_magic[class_index];
    *epoch = superslab->slabs[index].epoch;
    return true;
}

/* The state of the slot that starts at `block`; NULL: none of the slab does. One product tells both
 * whether it starts a slot and which. */
HAK_IN_PLACE struct hak_slot *state_in(const struct slab *slab, base_t block) {
    uintptr_t offset = base_address(block) - slab->start;
    uint64_t product = (uint64_t)(uint32_t)offset * slab->magic;
    uint32_t state = (uint32_t)(product >> 32);
    return offset < HAK_SLAB_BYTES && (uint32_t)product < slab->magic &&
                   state - slab->first_state < slab->slots
               ? slab->states + state
               : NULL;
}

/* Moves blocks from `first` on, at most `count`, as long as they lie in the slab at a place of the
 * set `from`, to `to`; fills in their words. Returns how many. Not in place: it needs all
 * registers. */
static __attribute__((noinline)) unsigned move_neighbours(struct slab slab, const base_t *first,
                                                          unsigned count, int step, uint32_t from,
                                                          uint8_t to, uint64_t *words) {
    const uint64_t *begin = words, *end = words + count;
    for (; words < end; first += step) {
        struct hak_slot *slot = state_in(&slab, *first);
        if (HAK_UNLIKELY(!slot) || HAK_UNLIKELY(!(from >> (slot->place & 31) & 1)))
            break;
        slot->place = to;
        *words++ = hak_batch_word(base_address(*first), ++slot->record_count);
    }
    return (unsigned)(words - begin);
}

/* Moves blocks from `first` on that lie in its slab, and records it; how many. */
static unsigned move_run(enum hak_record_kind kind, const base_t *first, unsigned count, int step,
                         unsigned class_index, struct hak_event_fields *fields) {
    uint64_t words[HAK_MOVES_BATCH_MAX];
    struct slab slab;
    if (!find_slab(first->p, class_index, &slab, &fields->epoch) ||
        HAK_UNLIKELY(fields->epoch >> HAK_RECORD_EPOCH_BITS != 0))
        return 0;
    uint32_t from = hak_moves[kind & (HAK_MOVE_KINDS - 1)].from;
    if (count > HAK_MOVES_BATCH_MAX)
        count = HAK_MOVES_BATCH_MAX;
    unsigned moved = move_neighbours(slab, first, count, step, from, fields->place, words);
    if (moved == 0 || !hak_trace_is_wanted() || hak_trace_is_stopped())
        return moved;
    fields->address = base_address(*first);
    fields->record_count = hak_batch_record_count(words[0]);
    hak_trace_record_batch(fields, words, moved);
    return moved;
}

/* Checks and records a move of several blocks, as one record where the place keeps no lists; a
 * wrong block goes by itself and is reported. */
HAK_TRACER_TEXT void hak_hop_blocks(enum hak_record_kind kind, const base_t *first, unsigned count,
                                    int step, unsigned class_index) {
    uint32_t to = hak_moves[kind & (HAK_MOVE_KINDS - 1)].to;
    bool goes_by_one = count == 1 || (to & HAK_PLACES_OF_LISTS) != 0;
    struct hak_event_fields fields = {.kind = (uint8_t)kind,
                                      .class_index = (uint8_t)class_index,
                                      .place = (uint8_t)__builtin_ctz(to | 1u << 31)};
    if (!goes_by_one && hak_trace_is_wanted() && !hak_trace_is_stopped())
        fields.stack = hak_take_stack(true, &fields.flags);
    while (count > 0) {
        unsigned moved = goes_by_one ? 0 : move_run(kind, first, count, step, class_index, &fields);
        if (HAK_UNLIKELY(moved == 0)) {
            (void)hak_hop_block(kind, *first, class_index);
            moved = 1;
        }
        first += (int)moved * step;
        count -= moved;
    }
}
