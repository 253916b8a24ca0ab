/* A large block grows over the place of one that is gone, and is written past its end. */
#include <stdlib.h>
#include <string.h>

enum { bytes = 40000000, more_bytes = 100000, others = 80, blocks = 6 };

static int by_address(const void *one, const void *other) {
    char *const *a = one, *const *b = other;
    return *a < *b ? -1 : *a > *b;
}

int main(void) {
    char *block[blocks];
    for (int i = 0; i < blocks; i++)
        block[i] = malloc(bytes);
    qsort(block, blocks, sizeof *block, by_address);
    char *grown = NULL;
    for (int first = 0; first + 1 < blocks; first += 2) {
        free(block[first + 1]);
        for (int i = 0; i < others; i++)
            free(malloc(2 * bytes + i * 4096)); /* in its place in quarantine, not in memory */
        grown = realloc(block[first], bytes + more_bytes);
        /* It moves, to where others were, if the kernel has put a mapping behind it. */
        if (grown == block[first])
            break;
    }
    volatile size_t too_many = bytes + more_bytes + 8192;
    memset(grown, 1, too_many);
    return 0;
}
