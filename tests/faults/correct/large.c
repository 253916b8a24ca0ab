/* Blocks of a size that have pages of their own: written wholly, resized, reused, read back as
 * zero. */
#include <malloc.h>
#include "../corpus/shapes.h"

SHAPE(every_page) {
    for (size_t size = 32000; size < 40000000; size = size * 2 + 333) {
        char *block = opaque(malloc(size));
        for (size_t i = 0; i < size; i += 4096)
            block[i] = 'e';
        block[size - 1] = 'e';
        free(block);
    }
}

SHAPE(again_and_again) {
    for (int i = 0; i < 300; i++) {
        char *block = opaque(malloc(200000));
        memset(block, i, 200000);
        free(block);
    }
}

SHAPE(zeroed) {
    for (int i = 0; i < 20; i++) {
        char *dirty = opaque(malloc(300000));
        memset(dirty, 0xee, 300000);
        free(dirty);
        char *block = opaque(calloc(3, 100000));
        for (size_t at = 0; at < 300000; at += 100)
            require(block[at] == 0, "calloc clears");
        free(block);
    }
}

SHAPE(grown_and_shrunk) {
    char *block = opaque(malloc(50000));
    for (size_t size = 50000; size < 30000000; size += size / 3) {
        block = opaque(realloc(block, size));
        block[0] = block[size - 1] = 'g';
    }
    for (size_t size = 30000000; size > 100; size /= 3) {
        block = opaque(realloc(block, size));
        block[0] = block[size - 1] = 's';
    }
    free(block);
}

SHAPE(many_at_once) {
    char *block[100];
    for (int i = 0; i < 100; i++)
        block[i] = opaque(malloc(100000 + (size_t)i * 1000));
    for (int i = 0; i < 100; i++)
        memset(block[i], i, malloc_usable_size(block[i]));
    for (int i = 0; i < 100; i += 3)
        block[i] = opaque(realloc(block[i], 400));
    for (int i = 0; i < 100; i++)
        free(block[i]);
}

RUN_ALL()
