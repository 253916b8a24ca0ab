/* A loop writes more elements than the block holds. */
#include "shapes.h"

static void fill(char *buffer, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer[i] = 'A';
}

SHAPE(byte) {
    char *buffer = opaque(malloc(24));
    fill(buffer, 25);
    free(opaque(buffer));
}

SHAPE(word) {
    char *buffer = opaque(malloc(40));
    fill(buffer, 48);
    free(opaque(buffer));
}

SHAPE(sixteen) {
    char *buffer = opaque(malloc(64));
    fill(buffer, 80);
    free(opaque(buffer));
}

SHAPE(page) {
    char *buffer = opaque(malloc(200));
    fill(buffer, 200 + 4096);
    free(opaque(buffer));
}

SHAPE(page_behind_mid) {
    char *buffer = opaque(malloc(5000));
    fill(buffer, 5000 + 4096);
    free(opaque(buffer));
}

SHAPE(byte_behind_large) {
    char *buffer = opaque(malloc(100001));
    fill(buffer, 100002);
    free(opaque(buffer));
}

SHAPE(sum_up_to_and_with) {
    int *number = opaque(malloc(10 * sizeof *number));
    for (int i = 0; i <= 10; i++)
        number[i] = i;
    free(opaque(number));
}

SHAPE(doubles) {
    double *number = opaque(malloc(7 * sizeof *number));
    for (int i = 0; i < 9; i++)
        number[i] = 0.5;
    free(opaque(number));
}

SHAPE(downwards) {
    short *number = opaque(malloc(11 * sizeof *number));
    for (int i = 11; i >= 0; i--)
        number[i] = (short)i;
    free(opaque(number));
}

RUN_ONE()
