/* free is given an address inside a block, or at its end. */
#include <malloc.h>
#include "shapes.h"

struct record {
    int number;
    char name[40];
};

SHAPE(by_one) {
    free(opaque((char *)malloc(30) + 1));
}
SHAPE(by_eight) {
    free(opaque((char *)malloc(40) + 8));
}
SHAPE(by_sixteen) {
    free(opaque((char *)malloc(50) + 16));
}
SHAPE(at_the_last_byte) {
    free(opaque((char *)malloc(60) + 59));
}
SHAPE(at_the_end) {
    free(opaque((char *)malloc(64) + 64));
}
SHAPE(in_front) {
    free(opaque((char *)malloc(70) - 8));
}
SHAPE(header_in_front) {
    free(opaque((char *)malloc(71) - 16));
}
SHAPE(of_calloc) {
    free(opaque((int *)calloc(20, 4) + 5));
}
SHAPE(of_aligned) {
    free(opaque((char *)memalign(256, 512) + 256));
}
SHAPE(in_mid) {
    free(opaque((char *)malloc(8000) + 4096));
}
SHAPE(in_large) {
    free(opaque((char *)malloc(80000) + 40000));
}
SHAPE(page_in_large) {
    free(opaque((char *)malloc(800000) + 8192));
}
SHAPE(end_of_large) {
    free(opaque((char *)malloc(131072) + 131072));
}

SHAPE(member) {
    struct record *record = opaque(malloc(sizeof *record));
    free(opaque(record->name));
}

SHAPE(element) {
    struct record *records = opaque(malloc(5 * sizeof *records));
    free(opaque(&records[1]));
}

SHAPE(of_a_freed_block) {
    char *block = opaque(malloc(72));
    free(block);
    free(opaque(block + 24));
}

RUN_ONE()
