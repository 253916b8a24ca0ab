/* Blocks of every alignment, filled wholly and freed, resized, asked for their size. */
#include <malloc.h>
#include "../corpus/shapes.h"

SHAPE(every_alignment) {
    for (size_t alignment = 8; alignment <= 1 << 21; alignment *= 2)
        for (size_t size = 1; size < 100000; size = size * 3 + 1) {
            void *block;
            require(posix_memalign(&block, alignment, size) == 0, "there is memory");
            require((size_t)block % alignment == 0, "aligned");
            memset(block, 0xa5, size);
            free(block);
        }
}

SHAPE(kept_and_freed_later) {
    void *block[64];
    for (int i = 0; i < 64; i++) {
        block[i] = opaque(aligned_alloc(64, 64 * (size_t)(i + 1)));
        memset(block[i], i, 64 * (size_t)(i + 1));
    }
    for (int i = 0; i < 64; i += 2)
        free(block[i]);
    for (int i = 1; i < 64; i += 2)
        free(block[i]);
}

SHAPE(of_pages) {
    char *one = opaque(valloc(100)), *two = opaque(pvalloc(100));
    memset(one, 1, malloc_usable_size(one));
    memset(two, 2, 4096);
    free(one);
    free(two);
}

SHAPE(of_no_bytes) {
    void *block;
    require(posix_memalign(&block, 64, 0) == 0, "no bytes");
    free(block);
    free(aligned_alloc(32, 0));
    require(posix_memalign(&block, 24, 10) != 0, "24 is no power of two");
}

RUN_ALL()
