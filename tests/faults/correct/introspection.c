/* The program asks its allocator about itself, trims, tunes, and goes on. */
#include <malloc.h>
#include "../corpus/shapes.h"

#if !__GLIBC_PREREQ(2, 33)
#define mallinfo2 mallinfo
#endif

SHAPE(trimmed) {
    char *kept[100];
    for (int i = 0; i < 100; i++)
        kept[i] = opaque(malloc(1000));
    for (int i = 0; i < 100; i += 2)
        free(kept[i]);
    malloc_trim(0);
    for (int i = 1; i < 100; i += 2) {
        memset(kept[i], 't', 1000);
        free(kept[i]);
    }
    malloc_trim(0);
    free(opaque(malloc(1000)));
}

SHAPE(counted) {
    struct mallinfo2 before = mallinfo2();
    char *block = opaque(malloc(500000));
    struct mallinfo2 after = mallinfo2();
    require(after.uordblks + after.hblkhd >= before.uordblks + before.hblkhd, "more is in use");
    free(block);
}

SHAPE(tuned) {
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    mallopt(M_ARENA_MAX, 1);
    free(opaque(malloc(2000000)));
}

SHAPE(usable) {
    for (size_t size = 1; size < 70000; size = size * 3 / 2 + 1) {
        char *block = opaque(calloc(1, size));
        size_t usable = malloc_usable_size(block);
        require(usable >= size, "at least what was asked");
        block[usable - 1] = 'u';
        block = opaque(realloc(block, usable));
        block[usable - 1] = 'v';
        free(block);
    }
}

RUN_ALL()
