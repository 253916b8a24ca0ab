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

SHAPE(after_a_thousand) {
    char *block = opaque(malloc(91));
    free(block);
    churn(91, 1000);
    free(opaque(block));
}

SHAPE(after_a_thousand_of_other_sizes) {
    char *block = opaque(malloc(92));
    free(block);
    churn(500, 1000);
    free(opaque(block));
}

SHAPE(all_freed_twice) {
    for (int i = 0; i < 500; i++)
        blocks[i] = opaque(malloc(93));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 500; i++)
            free(opaque(blocks[i]));
}

SHAPE(after_twenty_thousand) {
    char *block = opaque(malloc(94));
    free(block);
    churn(94, 20000);
    free(opaque(block));
}

/* Its memory belongs to another by then: the one that frees last is reported. */
SHAPE(after_it_was_handed_out_again) {
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

SHAPE(directory_closed_twice) {
    DIR *directory = opendir("/");
    closedir(directory);
    closedir(opaque(directory));
}

SHAPE(stream_closed_twice) {
    FILE *stream = fopen("/dev/null", "r");
    fclose(stream);
    fclose(opaque(stream));
}

RUN_ONE()
