/* Handles every move of a block: notes the slot's place, checks the move against hops.def, makes
 * one record.
 *
 * An illegal move gets its record with the ILLEGAL flag in every level, so that the story of the
 * block names the first wrong step. In level normal the program stops there; in level trace the
 * move is carried out as it is, and the stop comes where the block is popped or handed out. */
#include "guard/pages.h"

#define IN(place) (1u << HAK_PLACE_##place)

const struct hak_move hak_moves[HAK_MOVE_KINDS] = {
#define HOP(name, number, from_set, to_set, sentence) [number] = {(from_set), (to_set)},
#include "hops.def"
};
#undef IN

static unsigned place_after(enum hak_record_kind kind) {
    return (unsigned)__builtin_ctz(hak_moves[kind & (HAK_MOVE_KINDS - 1)].to | 1u << 31);
}

/* Records a move between layers, unless recording is stopped and the move legal. */
static inline void record_move(const struct hak_located *at, enum hak_record_kind kind,
                               base_t block, unsigned class_index, uint8_t flags) {
    if (!hak_trace_is_wanted() || (hak_trace_is_stopped() && !(flags & HAK_RECORD_ILLEGAL)))
        return;
    struct hak_event_fields fields = {
        .address = base_address(block),
        .kind = (uint8_t)kind,
        .class_index = (uint8_t)class_index,
        .place = (uint8_t)place_after(kind),
        .flags = flags,
    };
    fields.stack = hak_take_stack(true, &fields.flags);
    if (at->slot) {
        fields.delta_bytes = base_address(block) - (uintptr_t)at->base;
        fields.record_count = at->slot->record_count;
        fields.epoch = at->epoch;
    }
    hak_trace_record(&fields);
}

/* Finds the large block of a move, which has no slot: it is found by its own layer. One that was
 * cut out of a run of pages is new. */
static HAK_COLD bool locate_large_move(enum hak_record_kind kind, base_t block,
                                       struct hak_located *at) {
    if (!(hak_moves[kind & (HAK_MOVE_KINDS - 1)].to & HAK_PLACES_OF_LARGE) || at->superslab ||
        !hak_locate_large(block.p, at))
        return false;
    if (at->epoch == 0)
        at->epoch = at->large->epoch = hak_trace_epoch();
    return true;
}

/* Reports a move that is not allowed. Returns whether it is carried out all the same. */
static HAK_COLD bool move_illegally(struct hak_located at, enum hak_record_kind kind, base_t block,
                                    unsigned class_index) {
    bool is_push = kind == HAK_SLL_PUSH;
    bool stops = hak_stops_at_illegal_hop() || (is_push && !at.slot);
    struct hak_finding finding = {
        .code = HAK_FAULT_WRONG_LAYER_MOVE,
        .kind = kind,
        .pointer = block.p,
        .class_found = class_index,
    };
    if (at.slot) {
        at.slot->record_count++;
        finding.offset_bytes = block.p - at.base;
        if (at.class_index != class_index)
            finding.code = HAK_FAULT_CLASS_MISMATCH;
    } else if (is_push) {
        finding.code = HAK_FAULT_PUSH_NO_SUPERSLAB;
    }
    record_move(&at, kind, block, class_index, HAK_RECORD_ILLEGAL);
    if (stops)
        hak_report_fault(&at, &finding);
    if (stops && is_push)
        return false;
    if (at.slot)
        at.slot->place = (uint8_t)place_after(kind);
    return true;
}

HAK_TRACER_TEXT bool hak_hop_block(enum hak_record_kind kind, base_t block, unsigned class_index) {
    struct hak_located at;
    bool is_block = hak_locate_slot(block.p, &at);
    if (HAK_UNLIKELY(!is_block))
        is_block = locate_large_move(kind, block, &at);
    if (HAK_UNLIKELY(!is_block || block.p != at.base || at.class_index != class_index ||
                     !hak_move_is_allowed(kind, at.slot->place)))
        return move_illegally(at, kind, block, class_index);
    struct hak_slot *slot = at.slot;
    slot->place = (uint8_t)place_after(kind);
    slot->record_count++;
    bool can_enter = hak_enter_list(&at);
    record_move(&at, kind, block, class_index, 0);
    return can_enter;
}

/* Starts a new generation of a slab's addresses when it begins to serve a class: nothing is known
 * of its slots any more. */
static void begin_epoch(struct hak_slab *slab, struct hak_slot *slots, unsigned first) {
    if (slab->epoch != 0)
        __builtin_memset(slots, 0, (first + slab->capacity) * sizeof *slots);
    slab->epoch = hak_trace_epoch();
}

/* The shared heap belongs to the holder of its lock, and blocks of it are handed out without. */
static bool is_closing(const struct hak_superslab *superslab) {
    return hak_stops_at_illegal_hop() && hak_options.quarantine_bytes != 0 &&
           atomic_load_explicit(&superslab->owner, memory_order_relaxed) != HAK_OWNER_SHARED;
}

/* Seldom changes that are recorded also while recording is stopped, so that addresses are known
 * for what they are afterwards. */
static bool is_of_shape(enum hak_record_kind kind) {
    return kind >= HAK_SLAB_ACQUIRE && kind <= HAK_SUPERSLAB_KEEP;
}

HAK_TRACER_TEXT void hak_hop_note(enum hak_record_kind kind, unsigned class_index,
                                  const void *address, uint64_t value) {
    struct hak_event_fields fields = {
        .address = (uintptr_t)address,
        .size = value,
        .kind = (uint8_t)kind,
        .class_index = (uint8_t)class_index,
    };
    if (kind == HAK_SLAB_ACQUIRE || kind == HAK_SLAB_RELEASE) {
        struct hak_superslab *superslab = hak_superslab_of(address);
        unsigned slab_index = hak_slab_index_of(address);
        struct hak_slab *slab = &superslab->slabs[slab_index];
        if (kind == HAK_SLAB_RELEASE && hak_stops_at_illegal_hop())
            hak_check_slab_poison(superslab, slab_index);
        if (kind == HAK_SLAB_ACQUIRE)
            begin_epoch(slab, hak_states_of(superslab, slab_index), hak_first_state(class_index));
        fields.epoch = slab->epoch;
        if (kind == HAK_SLAB_ACQUIRE && is_closing(superslab))
            hak_pages_close_fresh(superslab, slab_index);
        else if (kind == HAK_SLAB_ACQUIRE)
            hak_pages_open_fresh(superslab, slab_index);
    }
    if (kind == HAK_SUPERSLAB_MAP && hak_stops_at_illegal_hop() &&
        hak_options.quarantine_bytes != 0)
        hak_pages_close_unserved((struct hak_superslab *)(uintptr_t)address);
    if (kind == HAK_SUPERSLAB_UNMAP)
        hak_pages_forget_superslab(address);
    if (!hak_trace_is_wanted() || (hak_trace_is_stopped() && !is_of_shape(kind)))
        return;
    fields.stack = hak_take_stack(true, &fields.flags);
    hak_trace_record(&fields);
}
