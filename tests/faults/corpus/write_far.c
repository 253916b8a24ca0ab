/* Writes that lie further from the block than what stands between it and the next. */
#include "shapes.h"

static char *block[8];

static void allocate(size_t size) {
    for (int i = 0; i < 8; i++)
        block[i] = opaque(malloc(size));
}

static void release(void) {
    for (int i = 0; i < 8; i++)
        free(block[i]);
}

/* One element is left out, as an index that is one too large twice does. */
SHAPE(one_left_out) {
    int *number = opaque(malloc(5 * sizeof *number));
    number[6] = 1;
    free(number);
}

SHAPE(twelve_behind) {
    allocate(40);
    block[3][40 + 12] = 'f';
    release();
}

SHAPE(sixteen_behind) {
    allocate(48);
    block[3][48 + 16] = 'f';
    release();
}

SHAPE(page_behind) {
    allocate(4096);
    block[3][4096 + 4096] = 'f';
    release();
}

SHAPE(wild) {
    allocate(64);
    *(char *)opaque(block[3] + (1ul << 45)) = 'w';
    release();
}

RUN_ONE()
