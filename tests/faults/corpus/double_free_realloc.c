/* realloc is one of the two calls that free the block. */
#include "shapes.h"

static void freed_then_resized(void) {
    char *block = opaque(malloc(32));
    free(block);
    block = realloc(opaque(block), 64);
    free(block);
}

static void freed_then_resized_to_nothing(void) {
    char *block = opaque(malloc(33));
    free(block);
    block = realloc(opaque(block), 0);
}

static void moved_then_freed(void) {
    char *block = opaque(malloc(34)), *moved = realloc(block, 9000);
    free(opaque(block));
    free(moved);
}

static void moved_then_moved_again(void) {
    char *block = opaque(malloc(35)), *moved = realloc(block, 9000);
    free(realloc(opaque(block), 18000));
    free(moved);
}

static void resized_to_nothing_then_freed(void) {
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

static void failed_then_freed(void) {
    char *block = opaque(malloc(37));
    if (resize_or_free(block, (size_t)-1 / 4) == NULL)
        free(opaque(block));
}

static void array_resized(void) {
    int *block = opaque(calloc(9, sizeof *block));
    free(block);
    free(reallocarray(opaque(block), 20, sizeof *block));
}

static void large_moved_then_freed(void) {
    char *block = opaque(malloc(100000)), *moved = realloc(block, 50000000);
    if (moved != block)
        free(opaque(block));
    else
        free(opaque(moved));
    free(moved);
}

static const struct shape shapes[] = {
    {"freed_then_resized", freed_then_resized},
    {"freed_then_resized_to_nothing", freed_then_resized_to_nothing},
    {"moved_then_freed", moved_then_freed},
    {"moved_then_moved_again", moved_then_moved_again},
    {"resized_to_nothing_then_freed", resized_to_nothing_then_freed},
    {"failed_then_freed", failed_then_freed},
    {"array_resized", array_resized},
    {"large_moved_then_freed", large_moved_then_freed},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
