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
static void one_left_out(void) {
    int *number = opaque(malloc(5 * sizeof *number));
    number[6] = 1;
    free(number);
}

static void twelve_behind(void) {
    allocate(40);
    block[3][40 + 12] = 'f';
    release();
}

static void sixteen_behind(void) {
    allocate(48);
    block[3][48 + 16] = 'f';
    release();
}

static void page_behind(void) {
    allocate(4096);
    block[3][4096 + 4096] = 'f';
    release();
}

static void wild(void) {
    allocate(64);
    *(char *)opaque(block[3] + (1ul << 45)) = 'w';
    release();
}

static const struct shape shapes[] = {
    {"one_left_out", one_left_out},
    {"twelve_behind", twelve_behind},
    {"sixteen_behind", sixteen_behind},
    {"page_behind", page_behind},
    {"wild", wild},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
