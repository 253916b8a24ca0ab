/* A block is written to after it was freed. */
#include "shapes.h"

static char *stale;

static void spoil(size_t size, size_t first, size_t count) {
    stale = opaque(malloc(size));
    memset(stale, 'a', size);
    free(stale);
    memset((char *)opaque(stale) + first, 'b', count);
}

static void first_byte(void) {
    spoil(40, 0, 1);
}
static void last_byte(void) {
    spoil(41, 40, 1);
}
static void whole(void) {
    spoil(42, 0, 42);
}
static void in_the_middle(void) {
    spoil(512, 200, 8);
}
static void of_two_bytes(void) {
    spoil(2, 1, 1);
}
static void in_mid(void) {
    spoil(3000, 1500, 4);
}
static void in_mid_of_many_pages(void) {
    spoil(20000, 9000, 4);
}
static void in_large(void) {
    spoil(100000, 50000, 1);
}
static void in_huge(void) {
    spoil(4000000, 2000000, 1);
}

static void then_allocated_again(void) {
    spoil(43, 5, 3);
    for (int i = 0; i < 10000; i++)
        free(opaque(malloc(43)));
}

static void neighbours_live(void) {
    char *block[21];
    for (int i = 0; i < 21; i++)
        block[i] = opaque(malloc(44));
    free(block[10]);
    *(char *)opaque(block[10] + 8) = 'n';
    for (int i = 0; i < 21; i++)
        if (i != 10)
            free(block[i]);
}

static void string_copied(void) {
    char *text = opaque(malloc(45));
    free(text);
    strcpy(opaque(text), "too late");
}

static void printed_into(void) {
    char *text = opaque(malloc(46));
    free(text);
    snprintf(opaque(text), 46, "%d too late", 7);
}

static void counted_up(void) {
    long *counter = opaque(calloc(6, sizeof *counter));
    free(counter);
    ++((long *)opaque(counter))[2];
}

/* A block among many that are free, in a program that goes on for a while. */
static void one_of_many(void) {
    char *block[300];
    for (int i = 0; i < 300; i++)
        block[i] = opaque(malloc(47));
    for (int i = 0; i < 300; i++)
        free(block[i]);
    *(char *)opaque(block[150] + 16) = 'm';
}

static void of_aligned(void) {
    char *block = opaque(aligned_alloc(64, 128));
    free(block);
    *(char *)opaque(block + 64) = 'a';
}

static void while_neighbour_lives(void) {
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

static void last_byte_of_2560(void) {
    write_into_freed(2560, 2559);
}

static void in_the_middle_of_4096(void) {
    write_into_freed(4096, 2500);
}

static void last_bytes_of_6000(void) {
    write_into_freed(6000, 5744);
}

static const struct shape shapes[] = {
    {"first_byte", first_byte},
    {"last_byte", last_byte},
    {"whole", whole},
    {"in_the_middle", in_the_middle},
    {"of_two_bytes", of_two_bytes},
    {"in_mid", in_mid},
    {"in_mid_of_many_pages", in_mid_of_many_pages},
    {"in_large", in_large},
    {"in_huge", in_huge},
    {"then_allocated_again", then_allocated_again},
    {"neighbours_live", neighbours_live},
    {"string_copied", string_copied},
    {"printed_into", printed_into},
    {"counted_up", counted_up},
    {"one_of_many", one_of_many},
    {"of_aligned", of_aligned},
    {"while_neighbour_lives", while_neighbour_lives},
    {"last_byte_of_2560", last_byte_of_2560},
    {"in_the_middle_of_4096", in_the_middle_of_4096},
    {"last_bytes_of_6000", last_bytes_of_6000},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
