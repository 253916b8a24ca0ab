/* Blocks are resized in every way that is allowed: in place, moved, shrunk, from and to nothing. */
#include <malloc.h>
#include <stdint.h>
#include "../corpus/shapes.h"

static void check_filling(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        require(text[i] == (char)(i % 100), "realloc keeps the bytes");
}

static void fill(char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(i % 100);
}

SHAPE(byte_by_byte) {
    char *text = NULL;
    for (size_t size = 1; size < 1500; size++) {
        text = opaque(realloc(text, size));
        check_filling(text, size - 1);
        fill(text, size);
    }
    for (size_t size = 1500; size > 1; size--) {
        text = opaque(realloc(text, size));
        check_filling(text, size < 1499 ? size : 1499);
        fill(text, size);
    }
    free(text);
}

SHAPE(doubled_and_halved) {
    char *text = opaque(malloc(1));
    fill(text, 1);
    size_t size = 1;
    for (; size < 20000000; size *= 2) {
        text = opaque(realloc(text, size * 2));
        check_filling(text, size);
        fill(text, size * 2);
    }
    for (; size > 1; size /= 2)
        text = opaque(realloc(text, size));
    free(text);
}

SHAPE(to_the_same_size) {
    char *text = opaque(malloc(77));
    fill(text, 77);
    for (int i = 0; i < 10; i++)
        text = opaque(realloc(text, 77));
    check_filling(text, 77);
    free(text);
}

SHAPE(to_nothing) {
    char *text = realloc(NULL, 40);
    require(realloc(text, 0) == NULL, "resized to nothing is freed");
}

SHAPE(failing) {
    char *text = opaque(malloc(40));
    fill(text, 40);
    require(realloc(text, PTRDIFF_MAX) == NULL, "too large");
    require(reallocarray(text, SIZE_MAX / 2, 3) == NULL, "overflows");
    require(calloc(SIZE_MAX / 2, 3) == NULL, "overflows");
    require(malloc(SIZE_MAX - 100) == NULL, "too large");
    check_filling(text, 40);
    free(text);
}

SHAPE(of_aligned) {
    char *text = opaque(memalign(4096, 100));
    fill(text, 100);
    text = opaque(realloc(text, 9000));
    check_filling(text, 100);
    free(text);
}

SHAPE(pointers_adjusted) {
    struct node {
        struct node *self;
        int value;
    } *node = opaque(malloc(sizeof *node));
    node->self = node;
    node->value = 5;
    ptrdiff_t distance = (char *)&node->value - (char *)node;
    node = opaque(realloc(node, 30000));
    node->self = node;
    require(*(int *)((char *)node->self + distance) == 5, "the value moved along");
    free(node->self);
}

RUN_ALL()
