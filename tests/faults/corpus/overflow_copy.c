/* The functions of string.h that copy or set bytes are told a size larger than the block. */
#include "shapes.h"

static char source[256] = "the source, which is large enough for each of these copies";

static void copy(void) {
    char *buffer = opaque(malloc(33));
    memcpy(buffer, source, 40);
    free(opaque(buffer));
}

static void move(void) {
    char *buffer = opaque(malloc(48));
    memmove(buffer, source, 49);
    free(opaque(buffer));
}

static void set(void) {
    char *buffer = opaque(malloc(72));
    memset(buffer, 0x55, 80);
    free(opaque(buffer));
}

static void set_zero(void) {
    char *buffer = opaque(malloc(100));
    memset(buffer, 0, 101);
    free(opaque(buffer));
}

static void zero(void) {
    char *buffer = opaque(malloc(20));
    explicit_bzero(buffer, 24);
    free(opaque(buffer));
}

static void copy_and_go_on(void) {
    char *buffer = opaque(malloc(30)), *end = mempcpy(buffer, source, 30);
    *(char *)mempcpy(end, source, 1) = 0;
    free(opaque(buffer));
}

static void move_inside(void) {
    char *buffer = opaque(malloc(60));
    memset(buffer, 'm', 60);
    memmove(buffer + 16, buffer, 60);
    free(opaque(buffer));
}

static void copy_until(void) {
    char *buffer = opaque(malloc(10));
    memccpy(buffer, source, ',', sizeof source);
    free(opaque(buffer));
}

static const struct shape shapes[] = {
    {"copy", copy},
    {"move", move},
    {"set", set},
    {"set_zero", set_zero},
    {"zero", zero},
    {"copy_and_go_on", copy_and_go_on},
    {"move_inside", move_inside},
    {"copy_until", copy_until},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
