/* A hundred thousand blocks of many sizes live and die; far more than any bound of the checks. */
#include "../corpus/shapes.h"

enum { COUNT = 30000 };
static char *block[COUNT];

static unsigned state = 1;

static unsigned draw(void) {
    return (state = state * 1664525 + 1013904223) >> 8;
}

SHAPE(mixed) {
    for (int i = 0; i < 300000; i++) {
        int which = (int)(draw() % COUNT);
        size_t size = draw() % 50 == 0 ? draw() % 20000 : draw() % 200;
        free(block[which]);
        block[which] = opaque(malloc(size + 1));
        block[which][0] = block[which][size] = 'm';
    }
    for (int i = 0; i < COUNT; i++) {
        free(block[i]);
        block[i] = NULL;
    }
}

SHAPE(large_ones) {
    for (int i = 0; i < 400; i++) {
        int which = (int)(draw() % 20);
        size_t size = 40000 + draw() % 3000000;
        free(block[which]);
        block[which] = opaque(malloc(size));
        block[which][0] = block[which][size - 1] = 'l';
    }
    for (int i = 0; i < 20; i++) {
        free(block[i]);
        block[i] = NULL;
    }
}

SHAPE(all_freed_then_all_again) {
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < COUNT; i++) {
            block[i] = opaque(malloc(100));
            memset(block[i], round, 100);
        }
        for (int i = 0; i < COUNT; i++) {
            free(block[i]);
            block[i] = NULL;
        }
    }
}

SHAPE(zeroed) {
    for (int i = 0; i < 20000; i++) {
        size_t size = draw() % 3000;
        char *text = opaque(calloc(1, size + 1));
        for (size_t at = 0; at <= size; at += 64)
            require(text[at] == 0, "calloc clears");
        memset(text, 0xff, size + 1);
        free(text);
    }
}

RUN_ALL()
