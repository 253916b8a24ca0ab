/* realloc and reallocarray of libhakmem: resize in place where the slot allows it, else move. */
#include <stdlib.h>
#include "entry/plain/way.h"

/* A block of at least `bytes`, recorded as moved from `moved_from`. NULL without memory. */
static void *allocate(size_t bytes, void *moved_from, hak_call_t call) {
    struct hak_hand_out how = {.asked_bytes = bytes,
                               .subkind = HAK_BY_REALLOC,
                               .moved_from = user_from(moved_from),
                               .call = call};
    return hak_entry_serve_inside(&how);
}

/* True when `bytes` fit the slot and would not leave more than half of it unused. */
static inline bool stays_in_slot(size_t slot_bytes, size_t bytes) {
    return bytes <= slot_bytes && bytes >= slot_bytes / 2;
}

/* Allocates, copies and frees the old block. NULL: without memory, the old block stays. */
static void *move(void *pointer, size_t old_bytes, size_t bytes, hak_call_t call) {
    void *moved = allocate(bytes, pointer, call);
    if (moved) {
        memcpy(moved, pointer, old_bytes < bytes ? old_bytes : bytes);
        if (hak_light_has_tags())
            hak_entry_leave_tag(pointer);
        hak_entry_give(pointer, HAK_REALLOC_FROM);
    }
    return moved;
}

static void *fail(void) {
    errno = ENOMEM;
    return NULL;
}

/* Moves a block of BenchFast's pool, also to shrink it, as no layer knows it. NULL: without memory,
 * the block stays. */
static void *resize_in_pool(void *pointer, size_t bytes, hak_call_t call) {
    size_t old_bytes = hak_class_bytes(hak_bench_fast_class_of(pointer));
    void *moved = allocate(bytes, pointer, call);
    if (moved) {
        memcpy(moved, pointer, old_bytes < bytes ? old_bytes : bytes);
        hak_bench_fast_push(pointer);
    }
    return moved;
}

/* Resizes a block of whole pages where it lies, else moves these; NULL: neither. */
static void *resize_pages(base_t base, size_t bytes) {
    /* The kernel moves pages faster than they can be copied. */
    return hak_large_resize(base, bytes) ? base.p : hak_large_move(base, bytes).p;
}

/* The same in level light: to the heap profile the block goes, and another one comes. */
static HAK_COLD void *resize_counted(base_t base, size_t bytes, hak_call_t call) {
    uint32_t sample = hak_large_take_sample(base);
    void *moved = resize_pages(base, bytes);
    if (moved)
        hak_entry_resized(moved, bytes, sample, call);
    else if (sample)
        hak_large_set_sample(base, sample);
    return moved;
}

/* Level light: one that would stay in its slot if it were not in the heap profile. */
static bool is_sampled_and_stays(base_t base, size_t bytes) {
    size_t slot_bytes = hak_counts_calls ? hak_entry_sampled_slot_bytes(base) : 0;
    return HAK_UNLIKELY(slot_bytes) && stays_in_slot(slot_bytes, bytes);
}

/* Resizes a large block where it lies, else by moving its pages, else by a copy. */
static void *resize_large(void *pointer, size_t old_bytes, size_t bytes, hak_call_t call) {
    base_t base = base_from(pointer);
    if (bytes > HAK_CLASS_MAX_BYTES) {
        void *moved =
            hak_counts_calls ? resize_counted(base, bytes, call) : resize_pages(base, bytes);
        if (moved)
            return moved; /* else perhaps only too many mappings to move one (held.h) */
    } else if (is_sampled_and_stays(base, bytes)) {
        return pointer;
    }
    return move(pointer, old_bytes, bytes, call);
}

/* realloc but for its fast path: NULL allocates, 0 bytes free; a pointer of another allocator is
 * moved to us. */
static void *reallocate(void *pointer, size_t bytes, hak_call_t call) {
    if (!pointer)
        return allocate(bytes, NULL, call);
    if (bytes == 0) {
        hak_entry_free(pointer, HAK_GIVEN_BY_REALLOC);
        return NULL;
    }
    if (hak_bench_fast_holds(pointer))
        return resize_in_pool(pointer, bytes, call);
    if (bytes > PTRDIFF_MAX)
        return fail();
    size_t slot_bytes = hak_route_slot_bytes(base_from(pointer));
    if (slot_bytes == 0)
        return hak_entry_move_foreign(user_from(pointer), bytes, call);
    if (hak_registry_owner(pointer) == HAK_OWNER_NOBODY)
        return resize_large(pointer, slot_bytes, bytes, call);
    return stays_in_slot(slot_bytes, bytes) ? pointer : move(pointer, slot_bytes, bytes, call);
}

/* The same in level light with memory tags: the block's bytes are copied without its tag. */
static HAK_COLD void *reallocate_tagged(void *pointer, size_t bytes, hak_call_t call) {
    (void)hak_tags_begin_own();
    void *base = pointer && bytes != 0 ? hak_entry_check_tag(pointer) : pointer;
    size_t old_bytes = base && bytes != 0 ? hak_route_slot_bytes(base_from(base)) : 0;
    void *moved = base || !pointer ? reallocate(base, bytes, call) : fail();
    bool is_in_place = moved && moved == base && old_bytes != 0;
    moved = is_in_place ? hak_entry_tagged_in_place(pointer, old_bytes) : hak_entry_tagged(moved);
    hak_tags_end_own(0);
    return moved;
}

/* Whether a block is this thread's and stays where it is, the short way. False for NULL and 0
 * bytes. */
static inline bool stays_at_once(const void *pointer, size_t bytes) {
    base_t base = base_from((void *)(uintptr_t)pointer);
    if (!hak_front_is_mine(base))
        return false;
    unsigned class_index = hak_front_class_of(base);
    return hak_is_slot_start(pointer, class_index) &&
           stays_in_slot(hak_class_bytes(class_index), bytes);
}

/* The plain build's realloc: at once where the block stays in its slot. */
HAK_EXPORT void *realloc(void *pointer, size_t bytes) {
    if (hak_light_has_tags())
        return reallocate_tagged(pointer, bytes, HAK_CALL);
    if (HAK_LIKELY(stays_at_once(pointer, bytes)))
        return pointer;
    return reallocate(pointer, bytes, HAK_CALL);
}

/* realloc to `count` times `bytes`; an overflow fails with ENOMEM. */
HAK_EXPORT void *reallocarray(void *pointer, size_t count, size_t bytes) {
    size_t all_bytes;
    if (__builtin_mul_overflow(count, bytes, &all_bytes))
        return fail();
    if (hak_light_has_tags())
        return reallocate_tagged(pointer, all_bytes, HAK_CALL);
    return reallocate(pointer, all_bytes, HAK_CALL);
}

HAK_LIBC_NAME(realloc);

HAK_OWN_NAME(realloc);
HAK_OWN_NAME(reallocarray);
