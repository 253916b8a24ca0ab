/* The malloc family of hakmem-record.so: each call goes to the allocator's function of the same
 * name, and is recorded. operator new and delete (operators.c) come here, too. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include "entry/keep/keep.h"

static void *no_memory(void) {
    errno = ENOMEM;
    return NULL;
}

HAK_IN_PLACE void *taken(void *user, size_t bytes, enum hak_subkind by, hak_call_t call) {
    return hak_keep_taken(
        user, &(struct hak_hand_out){.asked_bytes = bytes, .subkind = by, .call = call});
}

/* Has the next allocator allocate, and records the block. */
HAK_IN_PLACE void *allocate(size_t bytes, hak_call_t call) {
    if (!hak_keep_begin())
        return no_memory();
    return taken(hak_keep_next.malloc(bytes), bytes, HAK_BY_MALLOC, call);
}

HAK_EXPORT void *malloc(size_t bytes) {
    return allocate(bytes, HAK_CALL);
}

/* Has the next allocator allocate zeroed memory, and records the block. */
HAK_IN_PLACE void *allocate_zeroed(size_t count, size_t bytes, hak_call_t call) {
    if (!hak_keep_begin())
        return no_memory();
    return taken(hak_keep_next.calloc(count, bytes), count * bytes, HAK_BY_CALLOC, call);
}

HAK_EXPORT void *calloc(size_t count, size_t bytes) {
    return allocate_zeroed(count, bytes, HAK_CALL);
}

/* ---- and back -------------------------------------------------------------------------------- */

/* Records the block's end, then has the next allocator free it; before the start it is lost. */
void hak_keep_free(void *pointer, enum hak_given by, hak_call_t call) {
    size_t bytes;
    if (!hak_keep_begin())
        return;
    (void)hak_keep_given(pointer, hak_free_by(by), call, &bytes);
    hak_keep_next.free(pointer);
}

HAK_EXPORT void free(void *pointer) {
    hak_keep_free(pointer, HAK_GIVEN_BY_FREE, HAK_CALL);
}

HAK_EXPORT void cfree(void *pointer);
HAK_EXPORT void cfree(void *pointer) {
    hak_keep_free(pointer, HAK_GIVEN_BY_FREE, HAK_CALL);
}

HAK_EXPORT void free_sized(void *pointer, size_t bytes);
HAK_EXPORT void free_sized(void *pointer, size_t bytes) {
    (void)bytes;
    hak_keep_free(pointer, HAK_GIVEN_BY_FREE_SIZED, HAK_CALL);
}

HAK_EXPORT void free_aligned_sized(void *pointer, size_t alignment, size_t bytes);
HAK_EXPORT void free_aligned_sized(void *pointer, size_t alignment, size_t bytes) {
    (void)alignment;
    (void)bytes;
    hak_keep_free(pointer, HAK_GIVEN_BY_FREE_ALIGNED_SIZED, HAK_CALL);
}

/* ---- realloc --------------------------------------------------------------------------------- */

/* Whether the block moves is known only when another thread may have the old one already. So its
 * life ends before the call, and what comes back begins another one, at the same address or not. */
struct resize {
    void *pointer;
    size_t bytes, old_bytes;
    bool is_known; /* the block was the program's */
    hak_call_t call;
};

/* Records the old block's end before realloc, since another thread may get its address. */
static void begin_resize(struct resize *r) {
    enum hak_record_kind kind = r->bytes ? HAK_REALLOC_FROM : hak_free_by(HAK_GIVEN_BY_REALLOC);
    if (r->pointer)
        r->is_known = hak_keep_given(r->pointer, kind, r->call, &r->old_bytes);
}

/* Records how a resize ended. Some allocators give a block for 0 bytes, the others none; a block
 * that could not be resized stays with the program. */
static void *end_resize(const struct resize *r, void *user) {
    struct hak_hand_out how = {.asked_bytes = r->bytes,
                               .subkind = HAK_BY_REALLOC,
                               .moved_from = user_from(r->pointer),
                               .call = r->call};
    bool has_failed = !user && (r->bytes != 0 || !r->pointer);
    if (user || has_failed)
        (void)hak_keep_taken(user, &how);
    if (has_failed && r->is_known) {
        how.asked_bytes = r->old_bytes;
        (void)hak_keep_taken(r->pointer, &how);
    }
    return user;
}

/* Has the next allocator resize the block, with records before and after. */
static void *resize_block(void *pointer, size_t bytes, hak_call_t call) {
    struct resize r = {.pointer = pointer, .bytes = bytes, .call = call};
    if (!hak_keep_begin())
        return no_memory();
    begin_resize(&r);
    return end_resize(&r, hak_keep_next.realloc(pointer, bytes));
}

HAK_EXPORT void *realloc(void *pointer, size_t bytes) {
    return resize_block(pointer, bytes, HAK_CALL);
}

/* Resizes to count times bytes, not by the next one of this name: glibc's calls realloc, which is
 * the one above. */
HAK_EXPORT void *reallocarray(void *pointer, size_t count, size_t bytes) {
    size_t all_bytes;
    if (__builtin_mul_overflow(count, bytes, &all_bytes))
        return no_memory();
    return resize_block(pointer, all_bytes, HAK_CALL);
}

/* ---- aligned --------------------------------------------------------------------------------- */

/* Has the next allocator's memalign serve the call, and records the block. */
HAK_IN_PLACE void *allocate_aligned(size_t alignment, size_t bytes, hak_call_t call) {
    if (!hak_keep_begin())
        return no_memory();
    return taken(hak_keep_next.memalign(alignment, bytes), bytes, HAK_BY_ALIGNED, call);
}

HAK_EXPORT void *memalign(size_t alignment, size_t bytes) {
    return allocate_aligned(alignment, bytes, HAK_CALL);
}

HAK_EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
    if (!hak_keep_begin())
        return no_memory();
    return taken(hak_keep_next.aligned_alloc(alignment, bytes), bytes, HAK_BY_ALIGNED, HAK_CALL);
}

HAK_EXPORT int posix_memalign(void **result, size_t alignment, size_t bytes) {
    if (!hak_keep_begin())
        return ENOMEM;
    int error = hak_keep_next.posix_memalign(result, alignment, bytes);
    (void)taken(error == 0 ? *result : NULL, bytes, HAK_BY_ALIGNED, HAK_CALL);
    return error;
}

/* Has the next allocator's valloc serve the call, and records the block. */
HAK_IN_PLACE void *allocate_pages(size_t bytes, hak_call_t call) {
    if (!hak_keep_begin())
        return no_memory();
    return taken(hak_keep_next.valloc(bytes), bytes, HAK_BY_ALIGNED, call);
}

HAK_EXPORT void *valloc(size_t bytes) {
    return allocate_pages(bytes, HAK_CALL);
}

/* Has the next allocator's pvalloc serve the call, and records the block with the bytes asked
 * for. */
HAK_IN_PLACE void *allocate_whole_pages(size_t bytes, hak_call_t call) {
    if (!hak_keep_begin())
        return no_memory();
    return taken(hak_keep_next.pvalloc(bytes), bytes, HAK_BY_ALIGNED, call);
}

HAK_EXPORT void *pvalloc(size_t bytes) {
    return allocate_whole_pages(bytes, HAK_CALL);
}

HAK_EXPORT size_t malloc_usable_size(void *pointer) {
    return hak_keep_begin() ? hak_keep_next.malloc_usable_size(pointer) : 0;
}

/* ---- copies of text ---------------------------------------------------------------------------
 *
 * libc's call malloc, and are recorded there. An allocator's own take a block past the family: the
 * copy is made in a block of its malloc. */

/* A recorded copy of `bytes` characters and a 0. */
HAK_IN_PLACE char *copy_text(const char *text, size_t bytes, hak_call_t call) {
    char *copy = allocate(bytes + 1, call);
    if (!copy)
        return NULL;
    copy[bytes] = 0;
    return memcpy(copy, text, bytes);
}

/* Copies the text: recorded here where the next strdup is an allocator's own; else that of libc,
 * which comes back to malloc. */
HAK_EXPORT char *strdup(const char *text) {
    if (!hak_keep_begin())
        return no_memory();
    return hak_keep_next.copies ? copy_text(text, strlen(text), HAK_CALL)
                                : hak_keep_next.strdup(text);
}

/* Copies at most `most_bytes` of the text: recorded here where the next strndup is an allocator's
 * own; else that of libc, which comes back to malloc. */
HAK_EXPORT char *strndup(const char *text, size_t most_bytes) {
    if (!hak_keep_begin())
        return no_memory();
    return hak_keep_next.copies ? copy_text(text, strnlen(text, most_bytes), HAK_CALL)
                                : hak_keep_next.strndup(text, most_bytes);
}

/* ---- glibc's second names ----------------------------------------------------------------------
 *
 * Over glibc they are the same family: what they give is freed by free, and the other way. An
 * allocator in front of glibc may call them from its malloc: over any other they are passed on
 * unrecorded, to the next ones of these names, as are the program's own calls of mallocx and its
 * family. */

static inline bool passes_on(void) {
    return hak_keep_begin() && !hak_keep_next.is_glibc;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming) */
#define LIBC_NAME(name) extern __typeof__(name) __libc_##name
LIBC_NAME(malloc);
LIBC_NAME(free);
LIBC_NAME(calloc);
LIBC_NAME(realloc);
LIBC_NAME(memalign);
LIBC_NAME(valloc);
LIBC_NAME(pvalloc);

HAK_EXPORT void *__libc_malloc(size_t bytes) {
    return passes_on() ? hak_keep_next.libc.malloc(bytes) : allocate(bytes, HAK_CALL);
}

/* Frees by libc's own name: the block of an allocator that is not glibc's is passed on unrecorded,
 * else the block's end is recorded and it is freed. */
HAK_EXPORT void __libc_free(void *pointer) {
    if (passes_on())
        hak_keep_next.libc.free(pointer);
    else
        hak_keep_free(pointer, HAK_GIVEN_BY_FREE, HAK_CALL);
}

HAK_EXPORT void *__libc_calloc(size_t count, size_t bytes) {
    return passes_on() ? hak_keep_next.libc.calloc(count, bytes)
                       : allocate_zeroed(count, bytes, HAK_CALL);
}

HAK_EXPORT void *__libc_realloc(void *pointer, size_t bytes) {
    return passes_on() ? hak_keep_next.libc.realloc(pointer, bytes)
                       : resize_block(pointer, bytes, HAK_CALL);
}

HAK_EXPORT void *__libc_memalign(size_t alignment, size_t bytes) {
    return passes_on() ? hak_keep_next.libc.memalign(alignment, bytes)
                       : allocate_aligned(alignment, bytes, HAK_CALL);
}

HAK_EXPORT void *__libc_valloc(size_t bytes) {
    return passes_on() ? hak_keep_next.libc.valloc(bytes) : allocate_pages(bytes, HAK_CALL);
}

HAK_EXPORT void *__libc_pvalloc(size_t bytes) {
    return passes_on() ? hak_keep_next.libc.pvalloc(bytes) : allocate_whole_pages(bytes, HAK_CALL);
}
/* NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming) */

/* ---- C++ ------------------------------------------------------------------------------------- */

/* As libstdc++ takes it: an allocator that lacks memalign may have this, and may want a multiple.
 */
static void *take_aligned(size_t alignment, size_t bytes) {
    size_t rounded_bytes = (bytes + alignment - 1) & ~(alignment - 1);
    return rounded_bytes ? hak_keep_next.aligned_alloc(alignment, rounded_bytes) : no_memory();
}

/* Allocates by the program's own allocator and records it, 0 bytes as 1; alignment 0 is the common
 * one (settle_alignment, operators.c). NULL without memory. */
void *hak_keep_allocate(const struct hak_hand_out *how) {
    if (!hak_keep_begin())
        return no_memory();
    /* 0 bytes give a block, as operator new has to. */
    size_t bytes = how->asked_bytes ? how->asked_bytes : 1;
    void *user = how->alignment ? take_aligned(how->alignment, bytes) : hak_keep_next.malloc(bytes);
    return hak_keep_taken(user, how);
}
