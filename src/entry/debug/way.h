/* The way of a block in hakmem-debug.so: from the layers through the checks to the program, and
 * back, mostly into quarantine.
 *
 *   allocate --> at hand? --------------------------> hak_path_take -------> program
 *      |           no: guarded? room behind? route --> hak_check_hand_out ----^
 *      \-- a signal handler interrupted this thread's call: nested/
 *
 *   free --> the path? ---> hak_path_give --> quarantine, or the thread's array
 *      |       no: hak_check_pointer --> quarantine, the layers, another allocator, or refused
 *      \-- a signal handler interrupted this thread's call: nested/ */
#ifndef HAK_ENTRY_DEBUG_WAY_H
#define HAK_ENTRY_DEBUG_WAY_H

#include "entry/entry.h"
#include "entry/nested/nested.h"

static inline void *hak_entry_take_fast(size_t bytes) {
    (void)bytes;
    return NULL;
}

static inline bool hak_entry_enter(void) {
    if (hak_check_enter())
        return true;
    hak_tags_end_own(0);
    return false;
}
static inline void hak_entry_leave(void) {
    hak_check_leave();
}

/* ---- out ------------------------------------------------------------------------------------- */

/* Lets blocks leave the calling thread's quarantine: of those it has too much of, or all. False:
 * none did. */
static inline bool hak_entry_let_leave(bool all) {
    bool some_left = false;
    if (hak_thread.state != HAK_THREAD_OWN)
        return false;
    for (;;) {
        unsigned class_index;
        base_t block =
            hak_check_leave_to_array(hak_thread.heap_id, hak_place_of_array, &class_index);
        if (HAK_LIKELY(block.p != NULL))
            hak_array_put(class_index, block);
        else if ((block = hak_check_leaving(all)).p)
            (void)hak_route_give(block, HAK_QUARANTINE_LEAVE);
        else
            return some_left;
        some_left = true;
    }
}

/* Lets blocks leave quarantine and, for up to 1 GiB, opens guard pages, when there was no memory
 * for `bytes`; false where nothing could be done. */
static inline bool hak_entry_make_room(size_t bytes) {
    enum { USUAL_BYTES = 1 << 30 };
    bool some_left = hak_entry_let_leave(true);
    return (bytes <= USUAL_BYTES && hak_check_open_pages()) || some_left;
}

/* Prefetches the next block of the class, which lay in quarantine long enough to be out of the
 * processor's caches. */
static inline void hak_entry_fetch_next(unsigned class_index) {
    const char *next = hak_thread.top[class_index]->p;
    __builtin_prefetch(next, 1);
    __builtin_prefetch(next + hak_class_bytes(class_index) - 1, 1);
}

/* Takes a block of a class that the thread has at hand, where hak_path_may_take(how). NULL: nothing
 * was done. */
HAK_IN_PLACE void *hak_entry_take_at_hand(struct hak_hand_out *how) {
    unsigned class_index = hak_class_of_bytes(hak_path_slot_bytes(how));
    base_t block = hak_array_pop(class_index);
    if (HAK_UNLIKELY(!block.p))
        return NULL;
    how->class_index = class_index;
    if (hak_path_has_quarantine())
        hak_entry_fetch_next(class_index);
    user_t user = hak_path_take(block, class_index, how);
    if (HAK_UNLIKELY(!user.p))
        hak_array_push(class_index, block);
    return user.p;
}

/* The source of the block: guarded memory, or route. Its base is HAK_NO_BASE without memory. */
static inline struct hak_taken hak_entry_take(const struct hak_hand_out *how, size_t slot_bytes,
                                              size_t alignment) {
    base_t guarded = HAK_UNLIKELY(hak_check_guards) ? hak_check_take_guarded(how) : HAK_NO_BASE;
    if (HAK_UNLIKELY(guarded.p != NULL))
        return (struct hak_taken){guarded, HAK_CLASS_NONE};
    if (HAK_UNLIKELY(how->room_bytes != 0))
        return hak_route_take_with_room(slot_bytes, how->room_bytes, *how->call);
    return hak_route_take(slot_bytes, alignment, *how->call);
}

/* Counts a call that gets no block. Returns NULL with ENOMEM. */
static inline void *hak_entry_fail(size_t bytes) {
    check_call_without_record(bytes, true);
    errno = ENOMEM;
    return NULL;
}

/* The long way of hak_entry_allocate: takes guarded memory or a layer's, after blocks left
 * quarantine if there is none, and hands it out with its checks. NULL with ENOMEM. */
static inline void *hak_entry_allocate_slowly(struct hak_hand_out *how) {
    hak_entry_begin();
    HAK_IN_LIGHT(light_hak_entry_allocate_as(how));
    if (HAK_UNLIKELY(hak_nested_some_wait))
        hak_nested_give_waiting();
    struct hak_taken taken = {HAK_NO_BASE, HAK_CLASS_NONE};
    if (HAK_LIKELY(how->asked_bytes <= PTRDIFF_MAX)) {
        size_t slot_bytes = check_slot_bytes(how->asked_bytes, how->alignment);
        size_t alignment = hak_check_aligns() ? 0 : how->alignment;
        taken = hak_entry_take(how, slot_bytes, alignment);
        if (HAK_UNLIKELY(!taken.base.p) && hak_entry_make_room(slot_bytes))
            taken = hak_route_take(slot_bytes, alignment, *how->call);
    }
    if (HAK_UNLIKELY(!taken.base.p))
        return hak_entry_fail(how->asked_bytes);
    how->class_index = taken.class_index;
    user_t user = HAK_NO_USER;
    if (hak_path_may_take(how) && HAK_LIKELY(taken.class_index < HAK_CLASSES)) {
        if (hak_path_has_quarantine())
            hak_entry_fetch_next(taken.class_index);
        user = hak_path_take(taken.base, taken.class_index, how);
    }
    if (!user.p)
        user = hak_check_hand_out(taken.base, how);
    if (HAK_LIKELY(user.p != NULL))
        return user.p;
    hak_route_put_back(taken);
    return hak_entry_fail(how->asked_bytes);
}

/* Allocates as hak_entry_allocate, between hak_check_enter and hak_check_leave. */
HAK_IN_PLACE void *hak_entry_allocate_inside(struct hak_hand_out *how) {
    void *user = NULL;
    if (hak_path_may_take(how))
        user = hak_entry_take_at_hand(how);
    return HAK_LIKELY(user != NULL) ? user : hak_entry_allocate_slowly(how);
}

/* Of one copy in each file that needs it, out of the way. */
#define HAK_ENTRY_NESTED static __attribute__((noinline, cold, unused))

/* malloc in a signal handler that interrupted malloc: served without the thread's own heap. NULL
 * with ENOMEM, also where a lock that it needs is held. */
HAK_ENTRY_NESTED void *hak_entry_allocate_nested(struct hak_hand_out *how) {
    struct hak_nested kept;
    if (!hak_nested_begin(&kept))
        return hak_entry_fail(how->asked_bytes);
    void *user = hak_entry_allocate_inside(how);
    hak_nested_end(&kept);
    return user;
}

/* A block as `how` asks, checked and recorded. NULL with ENOMEM. */
HAK_IN_PLACE void *hak_entry_allocate(struct hak_hand_out *how) {
    void *user;
    if (!hak_check_enter()) {
        user = hak_entry_allocate_nested(how);
        hak_tags_end_own(0);
    } else {
        user = hak_entry_allocate_inside(how);
        hak_check_leave();
    }
    return hak_check_tagged(user, how->asked_bytes);
}
HAK_IN_PLACE void *hak_entry_serve(struct hak_hand_out *how) {
    return hak_entry_allocate(how);
}
HAK_IN_PLACE void *hak_entry_serve_counted(struct hak_hand_out *how) {
    return hak_entry_allocate(how);
}

/* ---- and back -------------------------------------------------------------------------------- */

static inline void hak_entry_claim(user_t user, enum hak_given by, size_t bytes, size_t alignment) {
    hak_check_claim(user_from(hak_untagged(user.p)), by, bytes, alignment);
}

/* Gives a block of this thread's into quarantine, or into the array of its class, which has room,
 * where hak_path_may_give(). False: nothing was done. */
HAK_IN_PLACE bool hak_entry_give_at_hand(user_t user, enum hak_given by, hak_call_t call) {
    base_t block = hak_path_base_of(user);
    if (HAK_UNLIKELY(!hak_front_is_mine(block)))
        return false;
    unsigned class_index = hak_front_class_of(block);
    if (HAK_UNLIKELY(class_index >= HAK_CLASSES))
        return false;
    if (hak_path_has_quarantine()) {
        enum hak_kept kept = hak_path_give(block, class_index, by, HAK_PLACE_QUARANTINE, call);
        if (HAK_UNLIKELY(kept == HAK_KEPT_OVER))
            (void)hak_entry_let_leave(false);
        return HAK_LIKELY(kept != HAK_NOT_KEPT);
    }
    if (HAK_UNLIKELY(hak_array_is_full(class_index)) ||
        HAK_UNLIKELY(hak_array_has_on_top(class_index, block)))
        return false;
    enum hak_place to = (enum hak_place)hak_place_of_array[class_index];
    if (HAK_UNLIKELY(hak_path_give(block, class_index, by, to, call) == HAK_NOT_KEPT))
        return false;
    hak_array_push(class_index, block);
    return true;
}

/* Another thread has given the large block back since hak_check_pointer, and nothing is at its
 * address any more: it is reported, and no other allocator is asked. */
static inline void hak_entry_tell_gone(user_t user, enum hak_record_kind kind) {
    base_t base;
    (void)hak_check_pointer(user, kind == HAK_REALLOC_FROM ? HAK_REALLOC : kind, &base);
}

/* Gives a block that comes back from the program to quarantine or its layer; `kind` is FREE, by
 * hak_free_by, or HAK_REALLOC_FROM (then it was taken back before). */
HAK_IN_PLACE void hak_entry_give(base_t base, user_t user, enum hak_record_kind kind) {
    if (HAK_LIKELY(hak_thread.state == HAK_THREAD_OWN)) {
        enum hak_kept kept = hak_check_quarantine(base, kind, hak_thread.heap_id);
        if (HAK_UNLIKELY(kept == HAK_KEPT_OVER))
            (void)hak_entry_let_leave(false);
        if (kept != HAK_NOT_KEPT)
            return;
    }
    if (HAK_UNLIKELY(!hak_route_give(base, kind)) && user.p)
        hak_entry_tell_gone(user, kind);
}

/* hak_entry_give_back between hak_check_enter and hak_check_leave; `call` is that of the program,
 * or NULL for realloc's, which is the call of a function behind it. */
HAK_IN_PLACE void hak_entry_give_back_inside(user_t user, enum hak_given by, hak_call_t call,
                                             const void *caller) {
    if (hak_path_may_give() && HAK_LIKELY(hak_entry_give_at_hand(user, by, call)))
        return;
    /* Not for what is none of ours: the memory of a new heap could come to lie just there. */
    if (hak_registry_owner(user.p) != HAK_OWNER_NOBODY)
        hak_entry_begin();
    base_t base;
    switch (hak_check_pointer(user, hak_free_by(by), &base)) {
    case HAK_TAKE:
        hak_entry_give(base, user, hak_free_by(by));
        break;
    case HAK_REFUSE:
        break;
    case HAK_FOREIGN:
        hak_entry_free_foreign(user, hak_free_by(by), caller);
        break;
    }
}

/* free in a signal handler that interrupted malloc. If a lock is in the way, the block is checked
 * and recorded, and given when the interrupted call ends. */
HAK_ENTRY_NESTED void hak_entry_give_back_nested(user_t user, enum hak_given by,
                                                 const void *caller) {
    struct hak_nested kept;
    if (HAK_HAS_TAGS)
        user = hak_check_given(user, hak_free_by(by));
    bool is_large = hak_registry_owner(user.p) == HAK_OWNER_NOBODY;
    enum hak_place to = is_large ? HAK_PLACE_LARGE : HAK_PLACE_REMOTE;
    base_t base;
    if (HAK_HAS_TAGS && hak_check_is_refused(user)) {
        /* it was reported */
    } else if (hak_nested_begin_give(&kept, is_large)) {
        hak_entry_give_back_inside(user, by, NULL, caller);
        hak_nested_end(&kept);
    } else if (hak_check_pointer(user, hak_free_by(by), &base) == HAK_TAKE &&
               check_freed(base, hak_free_by(by), to)) {
        hak_nested_give_later(base);
    }
    hak_tags_end_own(0);
}

/* Gives a block that is not NULL back by the long way. Inline, so that a report's frames read
 * magazine_flush <- free <- program. */
HAK_IN_PLACE void hak_entry_give_back(user_t user, enum hak_given by) {
    if (!hak_check_enter()) {
        hak_entry_give_back_nested(user, by, __builtin_return_address(0));
        return;
    }
    if (HAK_HAS_TAGS && hak_check_is_refused(user = hak_check_given(user, hak_free_by(by)))) {
        hak_check_leave();
        return;
    }
    hak_entry_give_back_inside(user, by, by == HAK_GIVEN_BY_REALLOC ? NULL : HAK_CALL,
                               __builtin_return_address(0));
    hak_check_leave();
}

/* The pointer, by a move that the compiler does not know: so registers are saved behind
 * HAK_IN_LIGHT, and level light does without. */
static inline void *hak_entry_later(void *pointer) {
    return hak_move_unseen(pointer);
}

HAK_IN_PLACE void hak_entry_free(void *pointer, enum hak_given by) {
    if (pointer)
        hak_entry_give_back(user_from(pointer), by);
    else
        check_call_without_record(0, false);
}

/* Never known without the checks. */
static inline size_t hak_entry_own_bytes(void *pointer) {
    (void)pointer;
    return 0;
}

#endif
