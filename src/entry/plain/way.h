/* The way of a block in libhakmem, and in the half of hakmem-debug.so that serves in level light:
 * from the thread's array, its front or the layers straight to the program, and back.
 *
 *   allocate --> route --> program          free --> the thread's array, if the block is its own
 *      |                                     |
 *      \-- level light: due? a guarded one,  \--> hak_entry_give_slowly --> other threads, layers
 *          or one of the heap profile
 *
 * The fast paths of malloc, new, free and delete are leaves: no frame, no call; every rarer case is
 * a tail jump to a cold function. */
#ifndef HAK_ENTRY_PLAIN_WAY_H
#define HAK_ENTRY_PLAIN_WAY_H

#include "entry/entry.h"

/* Level light: one more call that allocates. True where the sampler is to look at it. */
static inline bool hak_entry_is_due(void) {
    return hak_counts_calls && HAK_UNLIKELY(--hak_thread.until_look == 0);
}
/* The same of a call that was counted before. */
static inline bool hak_entry_was_due(void) {
    return hak_counts_calls && HAK_UNLIKELY(hak_thread.until_look == 0);
}

/* ---- memory tags in level light ---------------------------------------------------------------
 *
 * light/tagged.c. Each call of the family is one of these then: the pointer that the program has
 * is known here alone. */

/* The same pointer with the block's tag, which it gets where it has none; NULL stays. */
HAK_HIDDEN void *hak_entry_tagged(void *user);
/* The same of one whose block of `old_bytes` was resized where it lies. */
HAK_HIDDEN void *hak_entry_tagged_in_place(void *pointer, size_t old_bytes);
/* hak_entry_serve, and hak_entry_serve_counted. */
HAK_HIDDEN void *hak_entry_serve_tagged(struct hak_hand_out *how, bool was_counted);
/* The pointer without its tag. NULL: it is of an earlier life, which was reported. */
HAK_HIDDEN void *hak_entry_check_tag(void *pointer);
/* A block leaves the program: its memory gets the next tag. */
HAK_HIDDEN void hak_entry_leave_tag(void *base);
/* hak_entry_free. */
HAK_HIDDEN void hak_entry_free_tagged(void *pointer, enum hak_given by);

/* ---- out ------------------------------------------------------------------------------------- */

/* More bytes are counted for the heap profile in level light, and elsewhere not of a class. */
#define HAK_ENTRY_FAST_BYTES (hak_counts_calls ? HAK_LIGHT_LOOK_BYTES : HAK_CLASS_MAX_BYTES)

/* Level light: so many bytes more. True where the heap profile takes the block. */
static inline bool hak_entry_is_point_due(size_t bytes) {
    return hak_counts_calls && HAK_UNLIKELY((hak_thread.until_point -= (int64_t)bytes) < 0);
}

/* Pops the class's array. NULL, and the slow way follows: it is empty, a check is due, or `bytes`
 * is more than are served at once. */
static inline void *hak_entry_take_fast(size_t bytes) {
    if (hak_entry_is_due() || HAK_UNLIKELY(bytes > HAK_ENTRY_FAST_BYTES) || hak_light_has_tags())
        return NULL;
    return hak_array_pop(hak_class_of_bytes(bytes)).p;
}

/* sampled.c: of a call that the sampler is to look at; a larger block, whose bytes are
 * counted; and one whose bytes were, and a point lies in it. The last as
 * hak_entry_allocate_straight where it gets no place in the heap profile. */
HAK_HIDDEN HAK_COLD void *hak_entry_allocate_due(struct hak_hand_out *how);
HAK_HIDDEN HAK_COLD void *hak_entry_allocate_by_bytes(struct hak_hand_out *how);
HAK_HIDDEN HAK_COLD void *hak_entry_allocate_at_point(struct hak_hand_out *how);

/* Of realloc: the large block was resized to `bytes` in place, or by moving its pages, and had the
 * number `sample` (0: none) before. To the heap profile it is another block now. */
HAK_HIDDEN HAK_COLD void hak_entry_resized(void *pointer, size_t bytes, uint32_t sample,
                                           hak_call_t call);

/* A block as `how` asks, without a look at its bytes; in the light build a thread's first may be
 * one that the checks take. NULL with ENOMEM. */
static inline void *hak_entry_allocate_straight(struct hak_hand_out *how) {
    bool is_first = hak_counts_calls && hak_thread.state == HAK_THREAD_NEW;
    hak_entry_begin();
    if (is_first && hak_entry_is_due())
        return hak_entry_allocate_due(how);
    struct hak_taken taken = {HAK_NO_BASE, HAK_CLASS_NONE};
    size_t slot_bytes = how->asked_bytes;
    if (hak_light_has_tags() && slot_bytes < HAK_TAG_GRANULE)
        slot_bytes = HAK_TAG_GRANULE;
    if (HAK_LIKELY(slot_bytes <= PTRDIFF_MAX))
        taken = hak_route_take(slot_bytes, how->alignment, *how->call);
    if (HAK_UNLIKELY(!taken.base.p)) {
        errno = ENOMEM;
        return NULL;
    }
    how->class_index = taken.class_index;
    return taken.base.p;
}
/* The same, and in level light the heap profile counts its bytes. */
static inline void *hak_entry_allocate(struct hak_hand_out *how) {
    if (hak_counts_calls && HAK_UNLIKELY(how->asked_bytes > HAK_LIGHT_LOOK_BYTES))
        return hak_entry_allocate_by_bytes(how);
    return hak_entry_allocate_straight(how);
}
static inline void *hak_entry_allocate_inside(struct hak_hand_out *how) {
    return hak_entry_allocate(how);
}

/* The same within a call: its pointer has no tag yet. */
static inline void *hak_entry_serve_inside(struct hak_hand_out *how) {
    return hak_entry_is_due() ? hak_entry_allocate_due(how) : hak_entry_allocate(how);
}
static inline void *hak_entry_serve(struct hak_hand_out *how) {
    return hak_light_has_tags() ? hak_entry_serve_tagged(how, false) : hak_entry_serve_inside(how);
}
static inline void *hak_entry_serve_counted(struct hak_hand_out *how) {
    if (hak_light_has_tags())
        return hak_entry_serve_tagged(how, true);
    return hak_entry_was_due() ? hak_entry_allocate_due(how) : hak_entry_allocate(how);
}

static inline bool hak_entry_enter(void) {
    (void)hak_tags_begin_own();
    return true;
}
static inline void hak_entry_leave(void) {
    hak_tags_end_own(0);
}

/* There is no quarantine. */
static inline bool hak_entry_let_leave(bool all) {
    (void)all;
    return false;
}

/* ---- and back -------------------------------------------------------------------------------- */

/* Nothing: only the debug build checks what a sized delete says. */
static inline void hak_entry_claim(user_t user, enum hak_given by, size_t bytes, size_t alignment) {
    (void)user;
    (void)by;
    (void)bytes;
    (void)alignment;
}

/* The layers take the block back, or it is none of ours. */
HAK_IN_PLACE void hak_entry_give(void *pointer, enum hak_record_kind kind) {
    if (HAK_UNLIKELY(!hak_route_give(base_from(pointer), kind)) && pointer)
        hak_entry_free_foreign(user_from(pointer), kind, __builtin_return_address(0));
}

/* give_slowly.c: the long way back; the pointer may be NULL. `owner` is what
 * hak_registry_owner_fast says of it. */
HAK_HIDDEN void hak_entry_give_slowly(void *pointer, unsigned owner);

/* Puts a block of this thread's into its class's array where it has room; all else goes the slow
 * way. Does not tell `by` apart. The block's line is asked for: the program may still wait for what
 * it read there last, and the next call that allocates writes there. */
HAK_IN_PLACE void hak_entry_free_untagged(void *pointer, enum hak_given by) {
    base_t block = base_from(pointer);
    (void)by;
    unsigned owner = hak_registry_owner_fast(pointer);
    if (HAK_UNLIKELY(owner != hak_thread.heap_id)) {
        hak_entry_give_slowly(pointer, owner);
        return;
    }
    __builtin_prefetch(pointer, 1);
    unsigned class_index = hak_front_class_of(block);
    if (HAK_UNLIKELY(!hak_is_slot_start(pointer, class_index)) ||
        HAK_UNLIKELY(hak_array_is_full(class_index)) ||
        HAK_UNLIKELY(hak_array_has_on_top(class_index, block))) {
        hak_entry_give_slowly(pointer, owner);
        return;
    }
    hak_array_push(class_index, block);
}

HAK_IN_PLACE void hak_entry_free(void *pointer, enum hak_given by) {
    if (hak_light_has_tags())
        hak_entry_free_tagged(pointer, by);
    else
        hak_entry_free_untagged(pointer, by);
}

static inline void *hak_entry_later(void *pointer) {
    return pointer;
}

/* The bytes of a small block of this thread's own; 0: it is none. */
static inline size_t hak_entry_own_bytes(void *pointer) {
    base_t block = base_from(pointer);
    if (HAK_UNLIKELY(!hak_front_is_mine(block)))
        return 0;
    unsigned class_index = hak_front_class_of(block);
    return hak_is_slot_start(pointer, class_index) ? hak_class_bytes(class_index) : 0;
}

#endif
