/* Every size from 0 to 40,000 bytes is served, written, measured, resized and taken back, with some
 * hundred others live: `sizes`. QUICK=1: above 3,000 those that are a multiple of 8, or one more:
 * on both sides of where a class may end. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES = 40001, LIVE = 300, ALL_BELOW = 3000 };

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
    static size_t sizes[SIZES];
    size_t count = 0;
    const char *quick = getenv("QUICK");
    for (size_t bytes = 0; bytes < SIZES; bytes++)
        if (!quick || strcmp(quick, "1") != 0 || bytes < ALL_BELOW || bytes % 8 < 2)
            sizes[count++] = bytes;
    for (size_t i = 0; i < count + LIVE; i++) {
        if (i < count)
            take(sizes[i]);
        if (i >= LIVE)
            give(sizes[i - LIVE]);
    }
    puts("all served");
    return 0;
}
