/* Looks at blocks of calloc: each granule has the pointer's tag, each byte is 0, and nothing else
 * was touched, in the first life of a slot and in later ones (tests/arm/tags.sh). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "platform/aarch64/tags.h"

enum { MOST_BYTES = 3000, LIVES = 3, LARGE_BYTES = 100000 };

static int look(size_t bytes) {
    unsigned char *block = calloc(1, bytes);
    unsigned tag = (unsigned)((uintptr_t)block >> HAK_TAG_SHIFT);
    const char *start = (const char *)((uintptr_t)block & (((uintptr_t)1 << HAK_TAG_SHIFT) - 1));
    for (size_t i = 0; i < bytes; i++)
        if (hak_tag_at(start + i) != tag || block[i] != 0) {
            printf("%zu bytes: at %zu tag %u, not %u, byte %d\n", bytes, i, hak_tag_at(start + i),
                   tag, block[i]);
            exit(1);
        }
    memset(block, 0xff, bytes);
    free(block);
    return tag != 0;
}

int main(void) {
    unsigned tagged = 0;
    for (size_t bytes = 1; bytes < MOST_BYTES; bytes += bytes < 300 ? 1 : 37)
        for (int life = 0; life < LIVES; life++)
            tagged += (unsigned)look(bytes);
    tagged += (unsigned)look(LARGE_BYTES);
    printf("zeros, %s\n", tagged > MOST_BYTES / 10 ? "with tags" : "without tags");
    return 0;
}
