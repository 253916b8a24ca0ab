/* The aligned family and malloc_usable_size. */
#include <malloc.h>
#include <stdlib.h>
#include "entry/way.h"

/* A block at a multiple of `alignment`, handed out as by an aligned call. NULL with errno. */
static void *allocate(size_t alignment, size_t bytes, hak_call_t call) {
    struct hak_hand_out how = {
        .asked_bytes = bytes, .alignment = alignment, .subkind = HAK_BY_ALIGNED, .call = call};
    return hak_entry_serve(&how);
}

/* Counts a call that gets no block and sets errno. Returns NULL. */
static void *refuse(size_t bytes, int error) {
    check_call_without_record(bytes, true);
    errno = error;
    return NULL;
}

/* Allocates at an alignment that is a power of two; one that is too large is refused with ENOMEM.
 */
static void *allocate_to_power(size_t alignment, size_t bytes, hak_call_t call) {
    if (alignment > PTRDIFF_MAX / 2)
        return refuse(bytes, ENOMEM);
    return allocate(alignment, bytes, call);
}

/* Allocates at an alignment that is rounded up to a power of two, as glibc's memalign and, until
 * 2.37, its aligned_alloc. */
static void *allocate_rounded(size_t alignment, size_t bytes, hak_call_t call) {
    if (alignment > SIZE_MAX / 2 + 1)
        return refuse(bytes, EINVAL);
    if (alignment < 2)
        alignment = 1;
    if (!hak_is_power_of_two(alignment))
        alignment = (size_t)1 << (64 - __builtin_clzll(alignment));
    return allocate_to_power(alignment, bytes, call);
}

HAK_EXPORT void *memalign(size_t alignment, size_t bytes) {
    HAK_IN_LIGHT(light_memalign(alignment, bytes));
    return allocate_rounded(alignment, bytes, HAK_CALL);
}

static HAK_COLD void *allocate_odd(size_t alignment, size_t bytes, hak_call_t call) {
    return hak_entry_libc_is_since("2.38") ? refuse(bytes, EINVAL)
                                           : allocate_rounded(alignment, bytes, call);
}

/* Allocates at an alignment that is a power of two; another one is rounded up or refused, as
 * glibc's version does. */
HAK_EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
    HAK_IN_LIGHT(light_aligned_alloc(alignment, bytes));
    if (HAK_UNLIKELY(!hak_is_power_of_two(alignment)))
        return allocate_odd(alignment, bytes, HAK_CALL);
    return allocate_to_power(alignment, bytes, HAK_CALL);
}

/* Allocates at an alignment; EINVAL: it is no power of two or no multiple of a pointer's size.
 * errno stays, but for ENOMEM. */
HAK_EXPORT int posix_memalign(void **result, size_t alignment, size_t bytes) {
    HAK_IN_LIGHT(light_posix_memalign(result, alignment, bytes));
    if (!hak_is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    int saved_errno = errno;
    void *user = allocate_to_power(alignment, bytes, HAK_CALL);
    if (!user)
        return ENOMEM; /* in errno, too, as glibc leaves it */
    errno = saved_errno;
    *result = user;
    return 0;
}

HAK_EXPORT void *valloc(size_t bytes) {
    return allocate_rounded(HAK_PAGE_BYTES, bytes, HAK_CALL);
}

/* Allocates whole pages at a page's start, the bytes rounded up. NULL with ENOMEM, also where
 * rounding overflows. */
HAK_EXPORT void *pvalloc(size_t bytes) {
    if (bytes > SIZE_MAX - HAK_PAGE_BYTES)
        return refuse(bytes, ENOMEM);
    return allocate_rounded(HAK_PAGE_BYTES, HAK_PAGES_OF(bytes), HAK_CALL);
}

/* malloc_usable_size by the long way. */
static HAK_COLD size_t find_usable_size(void *pointer) {
    if (!pointer)
        return 0;
    if (hak_bench_fast_holds(pointer))
        return hak_class_bytes(hak_bench_fast_class_of(pointer));
    user_t user = user_from(pointer);
    size_t bytes;
    if (check_asked_bytes(user, &bytes))
        return bytes;
    check_asked_about(user);
    base_t base = base_of(user);
    size_t slot_bytes = hak_route_slot_bytes(base);
    if (slot_bytes == 0)
        return hak_entry_foreign_bytes(pointer);
    if (hak_counts_calls && hak_registry_owner(pointer) == HAK_OWNER_NOBODY) {
        size_t sampled_bytes = hak_entry_sampled_slot_bytes(base);
        if (HAK_UNLIKELY(sampled_bytes) && sampled_bytes < slot_bytes)
            slot_bytes = sampled_bytes;
    }
    return check_usable(user, slot_bytes - (user_address(user) - base_address(base)));
}

/* The bytes asked for where the checks know them, else the slot's rest; a block of another
 * allocator is asked of that. A freed block is reported. */
HAK_EXPORT size_t malloc_usable_size(void *pointer) {
    HAK_IN_LIGHT(light_malloc_usable_size(pointer));
    pointer = hak_untagged(pointer);
    size_t bytes = hak_entry_own_bytes(pointer);
    return HAK_LIKELY(bytes != 0) ? bytes : find_usable_size(pointer);
}

HAK_LIBC_NAME(memalign);
HAK_LIBC_NAME(valloc);
HAK_LIBC_NAME(pvalloc);

HAK_OWN_NAME(memalign);
HAK_OWN_NAME(aligned_alloc);
HAK_OWN_NAME(posix_memalign);
HAK_OWN_NAME(valloc);
HAK_OWN_NAME(pvalloc);
HAK_OWN_NAME(malloc_usable_size);
