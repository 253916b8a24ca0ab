/* Every size up to 5,000 and many above: first and last byte written, all freed, in three orders.
 */
#include <malloc.h>
#include "../corpus/shapes.h"

enum { COUNT = 5200 };
static char *block[COUNT];

static size_t size_of(int i) {
    return i <= 5000 ? (size_t)i : (size_t)(i - 5000) * 4096 + (size_t)(i % 3) - 1;
}

/* A block below 8 bytes that ends where its page does (guarded.md) is aligned for every type of its
 * size, any other for every type of 8 bytes; from 16 bytes on for all. */
static int is_aligned(const char *p, size_t size) {
    size_t least = size >= 4 ? 4 : 2, end = (size_t)p + (size ? size + least - 1 : least);
    if (size < 8 && end / least * least % 4096 == 0)
        return (size_t)p % least == 0;
    return (size_t)p % (size < 16 ? 8 : 16) == 0;
}

static void fill(void) {
    for (int i = 0; i < COUNT; i++) {
        size_t size = size_of(i);
        block[i] = opaque(malloc(size));
        require(block[i] != NULL, "malloc gives a block");
        if (size > 0)
            block[i][0] = block[i][size - 1] = (char)i;
        require(is_aligned(block[i], size), "aligned for every type of that size");
    }
}

SHAPE(forwards) {
    fill();
    for (int i = 0; i < COUNT; i++)
        free(block[i]);
}

SHAPE(backwards) {
    fill();
    for (int i = COUNT - 1; i >= 0; i--)
        free(block[i]);
}

SHAPE(scattered) {
    fill();
    for (int i = 0; i < COUNT; i++)
        free(block[i * 7 % COUNT]);
}

SHAPE(usable_size_used) {
    for (size_t size = 0; size < 2000; size += 13) {
        char *text = opaque(malloc(size));
        memset(text, 'u', malloc_usable_size(text));
        free(text);
    }
    for (size_t size = 1000; size < 200000; size *= 3) {
        char *text = opaque(malloc(size));
        memset(text, 'u', malloc_usable_size(text));
        text = realloc(text, malloc_usable_size(text) + 1);
        memset(text, 'v', malloc_usable_size(text));
        free(text);
    }
    require(malloc_usable_size(NULL) == 0, "nothing is usable at NULL");
}

SHAPE(no_bytes) {
    void *none = malloc(0), *other = calloc(0, 8), *third = calloc(8, 0);
    require(none != other && other != third, "blocks of no bytes differ");
    free(none);
    free(other);
    free(realloc(third, 10));
    free(NULL);
}

RUN_ALL()
