/* A block is freed twice, with other things between the two frees. */
#include <malloc.h>
#include "shapes.h"

SHAPE(at_once) {
    char *block = opaque(malloc(32));
    free(block);
    free(opaque(block));
}

SHAPE(after_another) {
    char *block = opaque(malloc(33)), *other = opaque(malloc(33));
    free(block);
    free(other);
    free(opaque(block));
}

SHAPE(after_an_allocation_of_that_size) {
    char *block = opaque(malloc(34));
    free(block);
    char *other = opaque(malloc(34));
    free(opaque(block));
    free(other);
}

SHAPE(after_many) {
    char *block = opaque(malloc(35));
    free(block);
    for (int i = 0; i < 100; i++)
        free(opaque(malloc(35)));
    free(opaque(block));
}

SHAPE(three_times) {
    char *block = opaque(malloc(36));
    for (int i = 0; i < 3; i++)
        free(opaque(block));
}

static void twice(void *block) {
    free(opaque(block));
    free(opaque(block));
}

SHAPE(of_calloc) {
    twice(calloc(10, 12));
}
SHAPE(of_realloc) {
    twice(realloc(malloc(10), 130));
}
SHAPE(of_memalign) {
    twice(memalign(128, 256));
}
SHAPE(of_strdup) {
    twice(strdup("a name"));
}
SHAPE(of_no_bytes) {
    twice(malloc(0));
}
SHAPE(of_1000) {
    twice(malloc(1000));
}
SHAPE(of_5000) {
    twice(malloc(5000));
}
SHAPE(of_30000) {
    twice(malloc(30000));
}
SHAPE(of_40000) {
    twice(malloc(40000));
}
SHAPE(of_2000000) {
    twice(malloc(2000000));
}

SHAPE(with_other_contents) {
    char *block = opaque(malloc(64));
    memset(block, 0, 64);
    free(block);
    malloc_trim(0);
    free(opaque(block));
}

RUN_ONE()
