/* The second free comes when the block was handed out anew, or much later. */
#include <dirent.h>
#include "shapes.h"

static void *blocks[20000];

static void churn(size_t size, int count) {
    for (int i = 0; i < count; i++)
        blocks[i] = opaque(malloc(size));
    for (int i = 0; i < count; i++)
        free(blocks[i]);
}

static void after_a_thousand(void) {
    char *block = opaque(malloc(91));
    free(block);
    churn(91, 1000);
    free(opaque(block));
}

static void after_a_thousand_of_other_sizes(void) {
    char *block = opaque(malloc(92));
    free(block);
    churn(500, 1000);
    free(opaque(block));
}

static void all_freed_twice(void) {
    for (int i = 0; i < 500; i++)
        blocks[i] = opaque(malloc(93));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 500; i++)
            free(opaque(blocks[i]));
}

static void after_twenty_thousand(void) {
    char *block = opaque(malloc(94));
    free(block);
    churn(94, 20000);
    free(opaque(block));
}

/* Its memory belongs to another by then: the one that frees last is reported. */
static void after_it_was_handed_out_again(void) {
    char *block = opaque(malloc(95)), *again = NULL;
    free(block);
    for (int i = 0; i < 20000 && again != block; i++) {
        again = opaque(malloc(95));
        if (again != block)
            free(again);
    }
    free(opaque(block));
    free(opaque(again));
}

static void directory_closed_twice(void) {
    DIR *directory = opendir("/");
    closedir(directory);
    closedir(opaque(directory));
}

static void stream_closed_twice(void) {
    FILE *stream = fopen("/dev/null", "r");
    fclose(stream);
    fclose(opaque(stream));
}

static const struct shape shapes[] = {
    {"after_a_thousand", after_a_thousand},
    {"after_a_thousand_of_other_sizes", after_a_thousand_of_other_sizes},
    {"all_freed_twice", all_freed_twice},
    {"after_twenty_thousand", after_twenty_thousand},
    {"after_it_was_handed_out_again", after_it_was_handed_out_again},
    {"directory_closed_twice", directory_closed_twice},
    {"stream_closed_twice", stream_closed_twice},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
