/* A block is written to after it was freed. */
#include "shapes.h"

static char *stale;

static void spoil(size_t size, size_t first, size_t count) {
    stale = opaque(malloc(size));
    memset(stale, 'a', size);
    free(stale);
    memset((char *)opaque(stale) + first, 'b', count);
}

SHAPE(first_byte) {
    spoil(40, 0, 1);
}
SHAPE(last_byte) {
    spoil(41, 40, 1);
}
SHAPE(whole) {
    spoil(42, 0, 42);
}
SHAPE(in_the_middle) {
    spoil(512, 200, 8);
}
SHAPE(of_two_bytes) {
    spoil(2, 1, 1);
}
SHAPE(in_mid) {
    spoil(3000, 1500, 4);
}
SHAPE(in_mid_of_many_pages) {
    spoil(20000, 9000, 4);
}
SHAPE(in_large) {
    spoil(100000, 50000, 1);
}
SHAPE(in_huge) {
    spoil(4000000, 2000000, 1);
}

SHAPE(then_allocated_again) {
    spoil(43, 5, 3);
    for (int i = 0; i < 10000; i++)
        free(opaque(malloc(43)));
}

SHAPE(neighbours_live) {
    char *block[21];
    for (int i = 0; i < 21; i++)
        block[i] = opaque(malloc(44));
    free(block[10]);
    *(char *)opaque(block[10] + 8) = 'n';
    for (int i = 0; i < 21; i++)
        if (i != 10)
            free(block[i]);
}

SHAPE(string_copied) {
    char *text = opaque(malloc(45));
    free(text);
    strcpy(opaque(text), "too late");
}

SHAPE(printed_into) {
    char *text = opaque(malloc(46));
    free(text);
    snprintf(opaque(text), 46, "%d too late", 7);
}

SHAPE(counted_up) {
    long *counter = opaque(calloc(6, sizeof *counter));
    free(counter);
    ++((long *)opaque(counter))[2];
}

/* A block among many that are free, in a program that goes on for a while. */
SHAPE(one_of_many) {
    char *block[300];
    for (int i = 0; i < 300; i++)
        block[i] = opaque(malloc(47));
    for (int i = 0; i < 300; i++)
        free(block[i]);
    *(char *)opaque(block[150] + 16) = 'm';
}

SHAPE(of_aligned) {
    char *block = opaque(aligned_alloc(64, 128));
    free(block);
    *(char *)opaque(block + 64) = 'a';
}

SHAPE(while_neighbour_lives) {
    char *block = opaque(malloc(48)), *neighbour = opaque(malloc(48));
    free(block);
    *(char *)opaque(block + 20) = 'w';
    free(neighbour);
}

/* Neighbours in front and behind live, so that no page of the block is closed. */
static void write_into_freed(size_t bytes, size_t offset) {
    static char *blocks[64];
    for (int i = 0; i < 64; i++)
        blocks[i] = opaque(malloc(bytes));
    free(blocks[31]);
    *(char *)opaque(blocks[31] + offset) = 7;
}

SHAPE(last_byte_of_2560) {
    write_into_freed(2560, 2559);
}

SHAPE(in_the_middle_of_4096) {
    write_into_freed(4096, 2500);
}

SHAPE(last_bytes_of_6000) {
    write_into_freed(6000, 5744);
}

RUN_ONE()
