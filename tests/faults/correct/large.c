/* Blocks of a size that have pages of their own: written wholly, resized, reused, read back as
 * zero. */
#include <malloc.h>
#include "../corpus/shapes.h"

static void every_page(void) {
    for (size_t size = 32000; size < 40000000; size = size * 2 + 333) {
        char *block = opaque(malloc(size));
        for (size_t i = 0; i < size; i += 4096)
            block[i] = 'e';
        block[size - 1] = 'e';
        free(block);
    }
}

static void again_and_again(void) {
    for (int i = 0; i < 300; i++) {
        char *block = opaque(malloc(200000));
        memset(block, i, 200000);
        free(block);
    }
}

static void zeroed(void) {
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

static void grown_and_shrunk(void) {
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

static void many_at_once(void) {
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

static const struct shape shapes[] = {
    {"every_page", every_page},
    {"again_and_again", again_and_again},
    {"zeroed", zeroed},
    {"grown_and_shrunk", grown_and_shrunk},
    {"many_at_once", many_at_once},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_all(shapes, argc, argv);
}
