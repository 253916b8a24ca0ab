/* malloc, free and calloc of libhakmem: the fast paths, and the ways behind them. */
#include <stdlib.h>
#include "entry/plain/way.h"

/* The return address in the program; also in the functions that malloc jumps to. */
#define CALLER __builtin_return_address(0)

/* ---- out ------------------------------------------------------------------------------------- */

/* Allocates where the class's array was empty or is off: from the thread's front, else the long
 * way. BenchFast says once that its pool is empty. */
static HAK_COLD void *allocate_slowly(size_t bytes) {
    if (HAK_LIKELY(hak_thread.state == HAK_THREAD_OWN) && bytes <= HAK_CLASS_MAX_BYTES &&
        !hak_bench_fast_is_on()) {
        base_t block = hak_front_take(hak_class_of_bytes(bytes));
        if (HAK_LIKELY(block.p != NULL))
            return block.p;
    }
    struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_MALLOC, .call = HAK_CALL};
    void *user = hak_entry_allocate_straight(&how);
    if (hak_bench_fast_is_on() && !hak_bench_fast_holds(user))
        hak_bench_fast_report_empty(how.class_index);
    return user;
}

static HAK_COLD void *allocate_due(size_t bytes) {
    struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_MALLOC, .call = HAK_CALL};
    return hak_entry_allocate_due(&how);
}

static HAK_COLD void *allocate_at_point(size_t bytes) {
    struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_MALLOC, .call = HAK_CALL};
    return hak_entry_allocate_at_point(&how);
}

/* Allocates a large block straight from its layer, else by allocate_slowly. */
static HAK_COLD void *allocate_pages(size_t bytes) {
    hak_entry_begin();
    base_t block =
        HAK_LIKELY(bytes <= PTRDIFF_MAX) ? hak_large_take(bytes, 0, CALLER) : HAK_NO_BASE;
    return HAK_LIKELY(block.p != NULL) ? block.p : allocate_slowly(bytes);
}

/* In level light: counts the bytes of a block that is not for the fast path. */
static HAK_COLD void *allocate_counted(size_t bytes) {
    hak_entry_begin();
    if (bytes <= PTRDIFF_MAX && hak_entry_is_point_due(bytes))
        return allocate_at_point(bytes);
    base_t block;
    if (bytes > HAK_CLASS_MAX_BYTES)
        return hak_large_take_hot(bytes, CALLER, &block) ? block.p : allocate_pages(bytes);
    block = hak_array_pop(hak_class_of_bytes(bytes));
    return HAK_LIKELY(block.p != NULL) ? block.p : allocate_slowly(bytes);
}

/* Allocates the large block that was freed last, else by allocate_pages. */
HAK_IN_PLACE void *allocate_large(size_t bytes) {
    base_t block;
    return HAK_LIKELY(hak_large_take_hot(bytes, CALLER, &block)) ? block.p : allocate_pages(bytes);
}

static HAK_COLD void *allocate_tagged(size_t bytes) {
    struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_MALLOC, .call = HAK_CALL};
    return hak_entry_serve_tagged(&how, false);
}

/* The plain build's malloc: pops the thread's array of the class; the rest is in slower functions.
 */
HAK_ON_LINE HAK_EXPORT void *malloc(size_t bytes) {
    if (hak_light_has_tags())
        return allocate_tagged(bytes);
    if (hak_entry_is_due())
        return allocate_due(bytes);
    if (HAK_UNLIKELY(bytes > HAK_ENTRY_FAST_BYTES))
        return hak_counts_calls ? allocate_counted(bytes) : allocate_large(bytes);
    base_t block = hak_array_pop(hak_class_of_bytes(bytes));
    if (HAK_UNLIKELY(!block.p))
        return allocate_slowly(bytes);
    return block.p;
}

/* calloc by way.h: cleared unless the memory is fresh from the kernel. */
HAK_IN_PLACE void *allocate_zeroed(size_t bytes) {
    struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_CALLOC, .call = HAK_CALL};
    void *user = hak_entry_allocate(&how);
    return hak_entry_zero(user, bytes, how.class_index);
}

static HAK_COLD void *allocate_zeroed_slowly(size_t bytes) {
    return allocate_zeroed(bytes);
}

/* A call that the light level looks at: a guarded block if one is free, else as any. */
static HAK_COLD void *allocate_zeroed_due(size_t bytes) {
    struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_CALLOC, .call = HAK_CALL};
    void *user = hak_entry_allocate_due(&how);
    return hak_entry_zero(user, bytes, how.class_index);
}

static HAK_COLD void *allocate_zeroed_tagged(size_t bytes) {
    struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_CALLOC, .call = HAK_CALL};
    void *user = hak_entry_serve_tagged(&how, false);
    return hak_entry_zero(user, bytes, how.class_index);
}

/* The plain build's calloc: pops the thread's array and clears. An overflow is refused as too
 * large. */
HAK_ON_LINE HAK_EXPORT void *calloc(size_t count, size_t bytes) {
    size_t all_bytes;
    if (HAK_UNLIKELY(__builtin_mul_overflow(count, bytes, &all_bytes)))
        all_bytes = SIZE_MAX; /* refused below */
    if (hak_light_has_tags())
        return allocate_zeroed_tagged(all_bytes);
    if (hak_entry_is_due())
        return allocate_zeroed_due(all_bytes);
    if (HAK_UNLIKELY(all_bytes > HAK_ENTRY_FAST_BYTES))
        return allocate_zeroed_slowly(all_bytes);
    base_t block = hak_array_pop(hak_class_of_bytes(all_bytes));
    if (HAK_UNLIKELY(!block.p))
        return allocate_zeroed_slowly(all_bytes);
    return memset(block.p, 0, all_bytes);
}

/* ---- and back -------------------------------------------------------------------------------- */

HAK_ON_LINE HAK_EXPORT void free(void *pointer) {
    hak_entry_free(pointer, HAK_GIVEN_BY_FREE);
}

/* C23. The block's own size and alignment are known. */
HAK_EXPORT void free_sized(void *pointer, size_t bytes);
HAK_EXPORT void free_sized(void *pointer, size_t bytes) {
    (void)bytes;
    hak_entry_free(pointer, HAK_GIVEN_BY_FREE_SIZED);
}

HAK_EXPORT void free_aligned_sized(void *pointer, size_t alignment, size_t bytes);
HAK_EXPORT void free_aligned_sized(void *pointer, size_t alignment, size_t bytes) {
    (void)alignment;
    (void)bytes;
    hak_entry_free(pointer, HAK_GIVEN_BY_FREE_ALIGNED_SIZED);
}

/* Gone from glibc's headers since 2.26; programs that were linked before still call it. */
HAK_EXPORT void cfree(void *pointer);
HAK_EXPORT void cfree(void *pointer) {
    hak_entry_free(pointer, HAK_GIVEN_BY_FREE);
}

HAK_LIBC_NAME(malloc);
HAK_LIBC_NAME(free);
HAK_LIBC_NAME(calloc);

HAK_OWN_NAME(malloc);
HAK_OWN_NAME(calloc);
