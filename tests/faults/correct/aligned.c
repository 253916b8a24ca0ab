/* Blocks of every alignment, filled wholly and freed, resized, asked for their size. */
#include <malloc.h>
#include "../corpus/shapes.h"

static void every_alignment(void) {
    for (size_t alignment = 8; alignment <= 1 << 21; alignment *= 2)
        for (size_t size = 1; size < 100000; size = size * 3 + 1) {
            void *block;
            require(posix_memalign(&block, alignment, size) == 0, "there is memory");
            require((size_t)block % alignment == 0, "aligned");
            memset(block, 0xa5, size);
            free(block);
        }
}

static void kept_and_freed_later(void) {
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

static void of_pages(void) {
    char *one = opaque(valloc(100)), *two = opaque(pvalloc(100));
    memset(one, 1, malloc_usable_size(one));
    memset(two, 2, 4096);
    free(one);
    free(two);
}

static void of_no_bytes(void) {
    void *block;
    require(posix_memalign(&block, 64, 0) == 0, "no bytes");
    free(block);
    free(aligned_alloc(32, 0));
    require(posix_memalign(&block, 24, 10) != 0, "24 is no power of two");
}

static const struct shape shapes[] = {
    {"every_alignment", every_alignment},
    {"kept_and_freed_later", kept_and_freed_later},
    {"of_pages", of_pages},
    {"of_no_bytes", of_no_bytes},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_all(shapes, argc, argv);
}
