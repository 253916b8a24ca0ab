/* Structs that are larger than what was asked for them, and members that reach past their end. */
#include <stddef.h>
#include "shapes.h"

struct point {
    int x, y, z;
};
struct record {
    int number;
    char name[12];
};
struct message {
    size_t length;
    char text[];
};

static void size_of_the_pointer(void) {
    struct point *point = opaque(malloc(sizeof point));
    point->z = 7;
    free(point);
}

static void count_without_size(void) {
    int *number = opaque(malloc(10));
    for (int i = 0; i < 10; i++)
        number[i] = i;
    free(number);
}

static void last_member(void) {
    struct record *record = opaque(malloc(sizeof *record));
    strcpy(record->name, "twelve chars");
    free(record);
}

static void text_without_its_header(void) {
    struct message *message = opaque(malloc(sizeof *message + 4));
    message->length = 8;
    memcpy(message->text, "overlong", 8);
    free(message);
}

static void cast_to_a_larger_type(void) {
    struct point *small = opaque(malloc(sizeof *small));
    struct record *larger = (struct record *)small;
    larger->name[10] = 'x';
    free(small);
}

static void wrong_index(void) {
    struct point *points = opaque(malloc(4 * sizeof *points));
    points[4].x = 1;
    free(points);
}

static void row_of_a_matrix(void) {
    __typeof__(int[5]) *matrix = opaque(malloc(3 * sizeof *matrix));
    for (int row = 0; row < 3; row++)
        for (int column = 0; column <= 5; column++)
            matrix[row][column] = 1;
    free(matrix);
}

static void copied_whole(void) {
    struct record whole = {1, "whole"};
    struct record *record = opaque(malloc(offsetof(struct record, name) + 6));
    *record = whole;
    free(record);
}

static void size_wraps_around(void) {
    unsigned short count = 0x4002;
    int *number = opaque(malloc((unsigned short)(count * sizeof *number)));
    number[2] = 1;
    free(number);
}

/* The member behind it is damaged, the block is not. */
static void inside_the_block(void) {
    struct {
        char name[8];
        long number;
    } *object = opaque(malloc(sizeof *object));
    memset(object->name, 'i', 12);
    free(object);
}

static const struct shape shapes[] = {
    {"size_of_the_pointer", size_of_the_pointer},
    {"count_without_size", count_without_size},
    {"last_member", last_member},
    {"text_without_its_header", text_without_its_header},
    {"cast_to_a_larger_type", cast_to_a_larger_type},
    {"wrong_index", wrong_index},
    {"row_of_a_matrix", row_of_a_matrix},
    {"copied_whole", copied_whole},
    {"size_wraps_around", size_wraps_around},
    {"inside_the_block", inside_the_block},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
