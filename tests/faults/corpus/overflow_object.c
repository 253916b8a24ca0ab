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

SHAPE(size_of_the_pointer) {
    struct point *point = opaque(malloc(sizeof point));
    point->z = 7;
    free(point);
}

SHAPE(count_without_size) {
    int *number = opaque(malloc(10));
    for (int i = 0; i < 10; i++)
        number[i] = i;
    free(number);
}

SHAPE(last_member) {
    struct record *record = opaque(malloc(sizeof *record));
    strcpy(record->name, "twelve chars");
    free(record);
}

SHAPE(text_without_its_header) {
    struct message *message = opaque(malloc(sizeof *message + 4));
    message->length = 8;
    memcpy(message->text, "overlong", 8);
    free(message);
}

SHAPE(cast_to_a_larger_type) {
    struct point *small = opaque(malloc(sizeof *small));
    struct record *larger = (struct record *)small;
    larger->name[10] = 'x';
    free(small);
}

SHAPE(wrong_index) {
    struct point *points = opaque(malloc(4 * sizeof *points));
    points[4].x = 1;
    free(points);
}

SHAPE(row_of_a_matrix) {
    __typeof__(int[5]) *matrix = opaque(malloc(3 * sizeof *matrix));
    for (int row = 0; row < 3; row++)
        for (int column = 0; column <= 5; column++)
            matrix[row][column] = 1;
    free(matrix);
}

SHAPE(copied_whole) {
    struct record whole = {1, "whole"};
    struct record *record = opaque(malloc(offsetof(struct record, name) + 6));
    *record = whole;
    free(record);
}

SHAPE(size_wraps_around) {
    unsigned short count = 0x4002;
    int *number = opaque(malloc((unsigned short)(count * sizeof *number)));
    number[2] = 1;
    free(number);
}

/* The member behind it is damaged, the block is not. */
SHAPE(inside_the_block) {
    struct {
        char name[8];
        long number;
    } *object = opaque(malloc(sizeof *object));
    memset(object->name, 'i', 12);
    free(object);
}

RUN_ONE()
