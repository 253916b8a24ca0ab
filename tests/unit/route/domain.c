/* Frees pointers that are nobody's or another's while every layer of hakmem is warm: `domain`.
 *
 * Memory of the program's own mappings is made to look like the head of a SuperSlab, like a block
 * of layout header, like anything; some of it cannot be read at all. Code that reads a header or a
 * slab before the registry was asked takes such a pointer for a block, or crashes. Prints "alive"
 * when the bytes are as they were and malloc still works. */
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAPPED_BYTES ((size_t)6 << 20)
#define ALIGNMENT    ((size_t)2 << 20) /* of a SuperSlab */

static const size_t sizes[] = {1,    16,   40,    64,    100,   256,    500,    1024,   1500,
                               4096, 9000, 16384, 32768, 40000, 100000, 900000, 1500000};
enum { SIZES = sizeof sizes / sizeof *sizes, EACH = 200, LARGE_EACH = 3, ASKED_BYTES = 100 };

/* Blocks of all sizes, taken and given back: every front, ring, list and cache has some. */
static void warm_up(void) {
    static char *blocks[SIZES][EACH];
    for (int s = 0; s < SIZES; s++)
        for (int i = 0; i < (sizes[s] > 32768 ? LARGE_EACH : EACH); i++) {
            blocks[s][i] = malloc(sizes[s]);
            if (!blocks[s][i])
                abort();
            memset(blocks[s][i], s + 1, sizes[s]);
        }
    for (int s = 0; s < SIZES; s++)
        for (int i = 0; i < (sizes[s] > 32768 ? LARGE_EACH : EACH); i++) {
            if (blocks[s][i][sizes[s] - 1] != (char)(s + 1))
                abort();
            free(blocks[s][i]);
        }
}

static char *map(int protection) {
    char *start =
        mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        exit(2);
    memset(start, 0x10, MAPPED_BYTES);
    mprotect(start, MAPPED_BYTES, protection);
    return start;
}

/* realloc takes what can be read with it; free and realloc leave the mapping alone. */
static void free_all_over(char *start, bool is_readable) {
    char *aligned = (char *)(((uintptr_t)start + ALIGNMENT - 1) & ~(ALIGNMENT - 1));
    const size_t offsets[] = {0, 16, 64, 1024, 4096, 65536, 65552, 131072, 1 << 20};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        free(aligned + offsets[i]);
        char *moved = realloc(aligned + offsets[i], ASKED_BYTES);
        if (!moved || malloc_usable_size(moved) < ASKED_BYTES)
            abort();
        for (size_t k = 0; k < ASKED_BYTES && is_readable; k++)
            if (moved[k] != 0x10)
                abort();
        free(moved);
        if (malloc_usable_size(aligned + offsets[i]) != 0)
            abort();
    }
}

int main(void) {
    warm_up();
    char *readable = map(PROT_READ), *closed = map(PROT_NONE);
    for (int round = 0; round < 3; round++) {
        free_all_over(readable, true);
        free_all_over(closed, false);
        warm_up();
    }
    mprotect(closed, MAPPED_BYTES, PROT_READ);
    for (size_t i = 0; i < MAPPED_BYTES; i++)
        if (readable[i] != 0x10 || closed[i] != 0x10)
            abort();
    puts("alive");
    return 0;
}
