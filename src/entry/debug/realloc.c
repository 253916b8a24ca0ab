/* realloc and reallocarray of hakmem-debug.so: resize in place where the slot allows it, else copy.
 * The old block has to be recorded as given back before its address can be anyone's again. */
#include <stdlib.h>
#include "entry/debug/way.h"
#include "large/large.h"

/* The request of a realloc: a block that is recorded as moved from `moved_from`, with room to grow
 * where it is large. */
static struct hak_hand_out hand_out_of(size_t bytes, user_t moved_from, size_t room_bytes,
                                       hak_call_t call) {
    return (struct hak_hand_out){.asked_bytes = bytes,
                                 .subkind = HAK_BY_REALLOC,
                                 .moved_from = moved_from,
                                 .room_bytes = room_bytes,
                                 .call = call};
}

/* So that a block that grows bit by bit is not copied at each step, a large one that grows gets
 * half its size of addresses more. */
static size_t room_behind(size_t old_bytes, size_t bytes) {
    bool grows_again = old_bytes > HAK_CLASS_MAX_BYTES && bytes > old_bytes;
    return grows_again && bytes <= PTRDIFF_MAX / 2 ? bytes / 2 : 0;
}

/* True when the bytes `needed` fit the slot and would not leave more than half of it unused. */
static inline bool stays_in_slot(size_t slot_bytes, size_t needed) {
    return needed <= slot_bytes && needed >= slot_bytes / 2;
}

/* Resizes a large block where it lies, its closed pages opened before. False: it must move. */
static bool resize_large(user_t user, base_t base, size_t needed, size_t bytes) {
    if (needed <= HAK_CLASS_MAX_BYTES || !hak_check_tag_may_stay(user, bytes))
        return false;
    hak_check_resizing(user, true);
    bool stays = hak_large_resize(base, needed);
    if (!stays)
        hak_check_resizing(user, false);
    return stays;
}

/* Copies a block's bytes to where it moves. */
static void copy(char *to, char *from, size_t bytes, bool is_large) {
    if (is_large && hak_check_may_move_pages(to, from))
        hak_large_copy(to, from, bytes);
    else
        memcpy(to, from, bytes);
}

/* Allocates, copies and frees the old block. The long way keeps a guarded block guarded, which is
 * `is_large`. NULL: without memory, the old block stays. */
static void *move(user_t user, base_t base, size_t old_bytes, size_t bytes, bool is_large,
                  hak_call_t call) {
    struct hak_hand_out how = hand_out_of(bytes, user, room_behind(old_bytes, bytes), call);
    void *moved = is_large ? hak_entry_allocate_slowly(&how) : hak_entry_allocate_inside(&how);
    if (moved) {
        copy(moved, user.p, old_bytes < bytes ? old_bytes : bytes, is_large);
        hak_entry_give(base, user, HAK_REALLOC_FROM);
    }
    return moved;
}

/* Resizes the block where it lies if its slot or mapping allows, else moves it; one of another
 * allocator is moved to us. NULL without memory. */
static void *resize(user_t user, base_t base, size_t bytes, hak_call_t call) {
    size_t slot_bytes = hak_route_slot_bytes(base);
    size_t delta_bytes = user_address(user) - base_address(base);
    bool is_large = hak_registry_owner(base.p) == HAK_OWNER_NOBODY;
    if (slot_bytes == 0)
        return hak_entry_move_foreign(user, bytes, call);
    size_t old_bytes = check_usable(user, slot_bytes - delta_bytes);
    size_t needed = delta_bytes + bytes; /* header, block, and canary where there is one */
    needed += delta_bytes != 0 ? hak_check_behind_bytes(needed) : 0;
    if (is_large ? resize_large(user, base, needed, bytes) : stays_in_slot(slot_bytes, needed)) {
        hak_check_resize(user, bytes);
        return user.p;
    }
    return move(user, base, old_bytes, bytes, is_large, call);
}

/* realloc inside hakmem: NULL allocates, 0 bytes free; a pointer of another allocator is moved to
 * us, a wrong one is reported and refused. */
static void *reallocate_inside(void *pointer, size_t bytes, hak_call_t call) {
    user_t user = user_from(pointer);
    if (!pointer) {
        struct hak_hand_out how = hand_out_of(bytes, HAK_NO_USER, 0, call);
        return hak_entry_allocate_inside(&how);
    }
    if (bytes == 0) {
        user = hak_check_given(user, hak_free_by(HAK_GIVEN_BY_REALLOC));
        if (hak_check_is_refused(user))
            return NULL;
        hak_entry_give_back_inside(user, HAK_GIVEN_BY_REALLOC, NULL, *call);
        return NULL;
    }
    base_t base;
    user = hak_check_given(user, HAK_REALLOC);
    if (hak_check_is_refused(user) || bytes > PTRDIFF_MAX)
        return hak_entry_fail(bytes);
    switch (hak_check_pointer(user, HAK_REALLOC, &base)) {
    case HAK_TAKE:
        return resize(user, base, bytes, call);
    case HAK_FOREIGN:
        return hak_entry_move_foreign(user, bytes, call);
    case HAK_REFUSE:
        break;
    }
    return hak_entry_fail(bytes);
}

/* realloc in a signal handler that interrupted malloc: served without the thread's own heap. NULL
 * with ENOMEM, also where a lock that it needs is held. */
static HAK_COLD void *reallocate_nested(void *pointer, size_t bytes, hak_call_t call) {
    struct hak_nested kept;
    if (!hak_nested_begin(&kept))
        return hak_entry_fail(bytes);
    void *moved = reallocate_inside(pointer, bytes, call);
    hak_nested_end(&kept);
    return moved;
}

/* Does realloc for both names: a preload in front would see a call of our own as the program's. */
static void *reallocate(void *pointer, size_t bytes, hak_call_t call) {
    void *moved;
    if (!hak_check_enter()) {
        moved = reallocate_nested(pointer, bytes, call);
        hak_tags_end_own(0);
    } else {
        moved = reallocate_inside(pointer, bytes, call);
        hak_check_leave();
    }
    return hak_check_tagged(moved, bytes);
}

HAK_EXPORT void *realloc(void *pointer, size_t bytes) {
    HAK_IN_LIGHT(light_realloc(pointer, bytes));
    return reallocate(pointer, bytes, HAK_CALL);
}

/* realloc to `count` times `bytes`; an overflow fails with ENOMEM. */
HAK_EXPORT void *reallocarray(void *pointer, size_t count, size_t bytes) {
    size_t all_bytes;
    HAK_IN_LIGHT(light_reallocarray(pointer, count, bytes));
    if (__builtin_mul_overflow(count, bytes, &all_bytes))
        return hak_entry_fail(SIZE_MAX);
    return reallocate(pointer, all_bytes, HAK_CALL);
}

HAK_LIBC_NAME(realloc);
