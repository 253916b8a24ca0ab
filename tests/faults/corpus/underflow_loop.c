/* A loop writes in front of the block. */
#include "shapes.h"

SHAPE(byte) {
    char *buffer = opaque(malloc(24));
    for (int i = 23; i >= -1; i--)
        buffer[i] = 'u';
    free(opaque(buffer));
}

SHAPE(word) {
    char *buffer = opaque(malloc(40));
    for (int i = -8; i < 0; i++)
        buffer[i] = 'u';
    free(opaque(buffer));
}

SHAPE(sixteen) {
    char *buffer = opaque(malloc(100));
    for (int i = -16; i < 20; i++)
        buffer[i] = 'u';
    free(opaque(buffer));
}

SHAPE(ints) {
    int *number = opaque(malloc(12 * sizeof *number));
    for (int i = 11; i >= -2; i--)
        number[i] = 0x7777;
    free(opaque(number));
}

SHAPE(pointer_walks_back) {
    char *text = opaque(strdup("no blank in it")), *end = text + strlen(text);
    while (end-- >= text)
        *end = '-';
    free(opaque(text));
}

SHAPE(mid) {
    char *buffer = opaque(malloc(6000));
    for (int i = 10; i >= -4; i--)
        buffer[i] = 'u';
    free(opaque(buffer));
}

SHAPE(large) {
    char *buffer = opaque(malloc(200000));
    for (int i = 10; i >= -4; i--)
        buffer[i] = 'u';
    free(opaque(buffer));
}

RUN_ONE()
