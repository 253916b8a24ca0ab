/* Names of the plain allocator within hakmem-debug.so (light.h): those of this folder with light_
 * in front, which the Makefile gives it. */
#ifndef HAK_ENTRY_LIGHT_NAMES_H
#define HAK_ENTRY_LIGHT_NAMES_H

#include <malloc.h>
#include <stdio.h>
#include "light.h"
#include "newer.h"

HAK_HIDDEN void *light_malloc(size_t bytes);
HAK_HIDDEN void light_free(void *pointer);
HAK_HIDDEN void *light_calloc(size_t count, size_t bytes);
HAK_HIDDEN void *light_realloc(void *pointer, size_t bytes);
HAK_HIDDEN void *light_reallocarray(void *pointer, size_t count, size_t bytes);
HAK_HIDDEN void *light_memalign(size_t alignment, size_t bytes);
HAK_HIDDEN void *light_aligned_alloc(size_t alignment, size_t bytes);
HAK_HIDDEN int light_posix_memalign(void **result, size_t alignment, size_t bytes);
HAK_HIDDEN size_t light_malloc_usable_size(void *pointer);
HAK_HIDDEN void *light__Znwm(size_t bytes); /* NOLINT(bugprone-reserved-identifier) */
HAK_HIDDEN void *light__Znam(size_t bytes); /* NOLINT(bugprone-reserved-identifier) */

HAK_HIDDEN int light_malloc_trim(size_t pad);
HAK_HIDDEN struct mallinfo2 light_mallinfo2(void);
HAK_HIDDEN struct mallinfo light_mallinfo(void);
HAK_HIDDEN void light_malloc_stats(void);
HAK_HIDDEN int light_malloc_info(int options, FILE *file);

/* Every other call that allocates (light/allocate.c). */
HAK_HIDDEN void *hak_entry_allocate_as(struct hak_hand_out *how);
HAK_HIDDEN void *light_hak_entry_allocate_as(struct hak_hand_out *how);

/* In level light ends the function that it stands in with `call`, one of these; nothing in the
 * other builds. Where both are void, `return call;` is GNU C's extension. */
#define HAK_IN_LIGHT(call)                                                                         \
    do {                                                                                           \
        if (hak_light_serves())                                                                    \
            return call;                                                                           \
    } while (0)

#endif
