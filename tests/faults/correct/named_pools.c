/* Pools of the program's own with names by hakmem.h: made, used wholly, resized, named anew, given
 * back. */
#include "hakmem.h"
#include "../corpus/shapes.h"

static void name(const void *block, const char *text) {
    if (hak_pool_name)
        hak_pool_name(block, text);
}

SHAPE(used_wholly) {
    for (size_t size = 100; size < 300000; size *= 3) {
        char *pool = opaque(malloc(size));
        name(pool, "a pool");
        for (size_t at = 0; at + 16 <= size; at += 16)
            memset(pool + at, 'p', 16);
        name(pool, "the same, with another name that is much longer than a name should ever be in "
                   "a report");
        pool = opaque(realloc(pool, size * 2));
        memset(pool, 'q', size * 2);
        free(pool);
    }
}

SHAPE(of_other_memory) {
    static char fixed[100];
    char local[100];
    name(fixed, "static");
    name(local, "local");
    name(NULL, "nothing");
    memset(fixed, 'f', sizeof fixed);
}

static char *held;

SHAPE(held_until_the_end) {
    held = opaque(malloc(5000));
    name(held, "held");
}

RUN_ALL()
