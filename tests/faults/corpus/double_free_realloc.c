/* realloc is one of the two calls that free the block. */
#include "shapes.h"

SHAPE(freed_then_resized) {
    char *block = opaque(malloc(32));
    free(block);
    block = realloc(opaque(block), 64);
    free(block);
}

SHAPE(freed_then_resized_to_nothing) {
    char *block = opaque(malloc(33));
    free(block);
    block = realloc(opaque(block), 0);
}

SHAPE(moved_then_freed) {
    char *block = opaque(malloc(34)), *moved = realloc(block, 9000);
    free(opaque(block));
    free(moved);
}

SHAPE(moved_then_moved_again) {
    char *block = opaque(malloc(35)), *moved = realloc(block, 9000);
    free(realloc(opaque(block), 18000));
    free(moved);
}

SHAPE(resized_to_nothing_then_freed) {
    char *block = opaque(malloc(36));
    if (realloc(block, 0) == NULL)
        free(opaque(block));
}

/* Frees the old block where realloc failed, and its caller frees it again. */
static char *resize_or_free(char *block, size_t size) {
    char *larger = realloc(block, size);
    if (larger == NULL)
        free(block);
    return larger;
}

SHAPE(failed_then_freed) {
    char *block = opaque(malloc(37));
    if (resize_or_free(block, (size_t)-1 / 4) == NULL)
        free(opaque(block));
}

SHAPE(array_resized) {
    int *block = opaque(calloc(9, sizeof *block));
    free(block);
    free(reallocarray(opaque(block), 20, sizeof *block));
}

SHAPE(large_moved_then_freed) {
    char *block = opaque(malloc(100000)), *moved = realloc(block, 50000000);
    if (moved != block)
        free(opaque(block));
    else
        free(opaque(moved));
    free(moved);
}

RUN_ONE()
