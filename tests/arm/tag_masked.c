/* Keeps pointers without their top byte, as programs do that use it for themselves
 * (tests/arm/tags.sh). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 100 };

int main(void) {
    static uint64_t kept[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        char *block = malloc(40);
        memset(block, i, 40);
        kept[i] = (uint64_t)(uintptr_t)block << 8 | (unsigned)i;
    }
    for (int i = 0; i < BLOCKS; i++) {
        char *block = (char *)(uintptr_t)(kept[i] >> 8);
        if (block[39] != i || (kept[i] & 0xff) != (unsigned)i)
            return 1;
        block[0] = 1;
        block = i % 2 ? realloc(block, 100) : block;
        if (block[39] != i)
            return 2;
        free(block);
    }
    puts("done");
    return 0;
}
