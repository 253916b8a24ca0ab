/* A block is freed twice, with other things between the two frees. */
#include <malloc.h>
#include "shapes.h"

static void at_once(void) {
    char *block = opaque(malloc(32));
    free(block);
    free(opaque(block));
}

static void after_another(void) {
    char *block = opaque(malloc(33)), *other = opaque(malloc(33));
    free(block);
    free(other);
    free(opaque(block));
}

static void after_an_allocation_of_that_size(void) {
    char *block = opaque(malloc(34));
    free(block);
    char *other = opaque(malloc(34));
    free(opaque(block));
    free(other);
}

static void after_many(void) {
    char *block = opaque(malloc(35));
    free(block);
    for (int i = 0; i < 100; i++)
        free(opaque(malloc(35)));
    free(opaque(block));
}

static void three_times(void) {
    char *block = opaque(malloc(36));
    for (int i = 0; i < 3; i++)
        free(opaque(block));
}

static void twice(void *block) {
    free(opaque(block));
    free(opaque(block));
}

static void of_calloc(void) {
    twice(calloc(10, 12));
}
static void of_realloc(void) {
    twice(realloc(malloc(10), 130));
}
static void of_memalign(void) {
    twice(memalign(128, 256));
}
static void of_strdup(void) {
    twice(strdup("a name"));
}
static void of_no_bytes(void) {
    twice(malloc(0));
}
static void of_1000(void) {
    twice(malloc(1000));
}
static void of_5000(void) {
    twice(malloc(5000));
}
static void of_30000(void) {
    twice(malloc(30000));
}
static void of_40000(void) {
    twice(malloc(40000));
}
static void of_2000000(void) {
    twice(malloc(2000000));
}

static void with_other_contents(void) {
    char *block = opaque(malloc(64));
    memset(block, 0, 64);
    free(block);
    malloc_trim(0);
    free(opaque(block));
}

static const struct shape shapes[] = {
    {"at_once", at_once},
    {"after_another", after_another},
    {"after_an_allocation_of_that_size", after_an_allocation_of_that_size},
    {"after_many", after_many},
    {"three_times", three_times},
    {"of_calloc", of_calloc},
    {"of_realloc", of_realloc},
    {"of_memalign", of_memalign},
    {"of_strdup", of_strdup},
    {"of_no_bytes", of_no_bytes},
    {"of_1000", of_1000},
    {"of_5000", of_5000},
    {"of_30000", of_30000},
    {"of_40000", of_40000},
    {"of_2000000", of_2000000},
    {"with_other_contents", with_other_contents},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
