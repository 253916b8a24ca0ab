/* The functions of string.h that copy or set bytes are told a size larger than the block. */
#include "shapes.h"

static char source[256] = "the source, which is large enough for each of these copies";

SHAPE(copy) {
    char *buffer = opaque(malloc(33));
    memcpy(buffer, source, 40);
    free(opaque(buffer));
}

SHAPE(move) {
    char *buffer = opaque(malloc(48));
    memmove(buffer, source, 49);
    free(opaque(buffer));
}

SHAPE(set) {
    char *buffer = opaque(malloc(72));
    memset(buffer, 0x55, 80);
    free(opaque(buffer));
}

SHAPE(set_zero) {
    char *buffer = opaque(malloc(100));
    memset(buffer, 0, 101);
    free(opaque(buffer));
}

SHAPE(zero) {
    char *buffer = opaque(malloc(20));
    explicit_bzero(buffer, 24);
    free(opaque(buffer));
}

SHAPE(copy_and_go_on) {
    char *buffer = opaque(malloc(30)), *end = mempcpy(buffer, source, 30);
    *(char *)mempcpy(end, source, 1) = 0;
    free(opaque(buffer));
}

SHAPE(move_inside) {
    char *buffer = opaque(malloc(60));
    memset(buffer, 'm', 60);
    memmove(buffer + 16, buffer, 60);
    free(opaque(buffer));
}

SHAPE(copy_until) {
    char *buffer = opaque(malloc(10));
    memccpy(buffer, source, ',', sizeof source);
    free(opaque(buffer));
}

RUN_ONE()
