/* Overwrites the allocator's own records, so that malloc itself crashes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char *volatile blocks[5000];

static void fill(void) {
    for (int i = 0; i < 5000; i++)
        blocks[i] = malloc(48);
}

int main(void) {
    fill();
    char *superslab = (char *)((uintptr_t)blocks[4999] & ~(((uintptr_t)2 << 20) - 1));
    memset(superslab + 64, 0xee, 4000);
    fill();
    return 0;
}
