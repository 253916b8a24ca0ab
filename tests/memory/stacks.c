/* Allocates from 65,536 different stacks, more than a small session has nodes for: `stacks`. Prints
 * how many blocks it was given. */
#include <stdio.h>
#include <stdlib.h>

static long given;

static void descend(unsigned way, unsigned depth) {
    if (depth == 0) {
        void *block = malloc(24);
        given += block != NULL;
        free(block);
    } else if (way >> (depth - 1) & 1) {
        descend(way, depth - 1);
    } else {
        descend(way, depth - 1);
    }
}

int main(void) {
    for (unsigned way = 0; way < 1u << 16; way++)
        descend(way, 16);
    printf("%ld\n", given);
    return 0;
}
