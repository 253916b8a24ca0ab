/* exit is called below functions that still hold their blocks in locals and registers. */
#include "../corpus/shapes.h"

static void stop(int depth, char *held) {
    char *own = opaque(malloc(100));
    own[0] = held[0];
    if (depth == 0) {
        puts("ends below");
        exit(7);
    }
    stop(depth - 1, own);
    free(own);
}

int main(void) {
    char *first = opaque(calloc(1, 50)), **second = opaque(malloc(sizeof *second));
    *second = opaque(strdup("held through a local"));
    stop(20, first);
    free(*second);
    free(second);
    free(first);
    return 0;
}
