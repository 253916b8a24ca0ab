/* Every size from 0 to 40,000 bytes is served, written, measured, resized and taken back, with some
 * hundred others live: `sizes`. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZES = 40001, LIVE = 300 };

static unsigned char *blocks[SIZES];

static void fail(size_t bytes, const char *what) {
    printf("%zu bytes %s\n", bytes, what);
    exit(1);
}

static void take(size_t bytes) {
    unsigned char *block = blocks[bytes] = malloc(bytes);
    if (!block || malloc_usable_size(block) < bytes)
        fail(bytes, "are not served");
    if ((uintptr_t)block % 16 && bytes > 8)
        fail(bytes, "are not aligned");
    if (bytes) {
        block[0] = (unsigned char)bytes;
        block[bytes - 1] = (unsigned char)bytes;
    }
}

static void give(size_t bytes) {
    unsigned char *block = blocks[bytes];
    if (bytes && (block[0] != (unsigned char)bytes || block[bytes - 1] != (unsigned char)bytes))
        fail(bytes, "were written by another block");
    if (bytes % 2) {
        block = realloc(block, SIZES - bytes);
        if (!block || block[0] != (unsigned char)bytes)
            fail(bytes, "were lost by realloc");
    }
    free(block);
}

int main(void) {
    for (size_t bytes = 0; bytes < SIZES + LIVE; bytes++) {
        if (bytes < SIZES)
            take(bytes);
        if (bytes >= LIVE)
            give(bytes - LIVE);
    }
    puts("all served");
    return 0;
}
