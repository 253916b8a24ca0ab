/* The program asks its allocator about itself, trims, tunes, and goes on. */
#include <malloc.h>
#include "../corpus/shapes.h"

#if !__GLIBC_PREREQ(2, 33)
#define mallinfo2 mallinfo
#endif

static void trimmed(void) {
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

static void counted(void) {
    struct mallinfo2 before = mallinfo2();
    char *block = opaque(malloc(500000));
    struct mallinfo2 after = mallinfo2();
    require(after.uordblks + after.hblkhd >= before.uordblks + before.hblkhd, "more is in use");
    free(block);
}

static void tuned(void) {
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    mallopt(M_ARENA_MAX, 1);
    free(opaque(malloc(2000000)));
}

static void usable(void) {
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

static const struct shape shapes[] = {
    {"trimmed", trimmed}, {"counted", counted}, {"tuned", tuned}, {"usable", usable}, {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_all(shapes, argc, argv);
}
