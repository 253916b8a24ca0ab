/* free is given an address inside a block, or at its end. */
#include <malloc.h>
#include "shapes.h"

struct record {
    int number;
    char name[40];
};

static void by_one(void) {
    free(opaque((char *)malloc(30) + 1));
}
static void by_eight(void) {
    free(opaque((char *)malloc(40) + 8));
}
static void by_sixteen(void) {
    free(opaque((char *)malloc(50) + 16));
}
static void at_the_last_byte(void) {
    free(opaque((char *)malloc(60) + 59));
}
static void at_the_end(void) {
    free(opaque((char *)malloc(64) + 64));
}
static void in_front(void) {
    free(opaque((char *)malloc(70) - 8));
}
static void header_in_front(void) {
    free(opaque((char *)malloc(71) - 16));
}
static void of_calloc(void) {
    free(opaque((int *)calloc(20, 4) + 5));
}
static void of_aligned(void) {
    free(opaque((char *)memalign(256, 512) + 256));
}
static void in_mid(void) {
    free(opaque((char *)malloc(8000) + 4096));
}
static void in_large(void) {
    free(opaque((char *)malloc(80000) + 40000));
}
static void page_in_large(void) {
    free(opaque((char *)malloc(800000) + 8192));
}
static void end_of_large(void) {
    free(opaque((char *)malloc(131072) + 131072));
}

static void member(void) {
    struct record *record = opaque(malloc(sizeof *record));
    free(opaque(record->name));
}

static void element(void) {
    struct record *records = opaque(malloc(5 * sizeof *records));
    free(opaque(&records[1]));
}

static void of_a_freed_block(void) {
    char *block = opaque(malloc(72));
    free(block);
    free(opaque(block + 24));
}

static const struct shape shapes[] = {
    {"by_one", by_one},
    {"by_eight", by_eight},
    {"by_sixteen", by_sixteen},
    {"at_the_last_byte", at_the_last_byte},
    {"at_the_end", at_the_end},
    {"in_front", in_front},
    {"header_in_front", header_in_front},
    {"of_calloc", of_calloc},
    {"of_aligned", of_aligned},
    {"in_mid", in_mid},
    {"in_large", in_large},
    {"page_in_large", page_in_large},
    {"end_of_large", end_of_large},
    {"member", member},
    {"element", element},
    {"of_a_freed_block", of_a_freed_block},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
