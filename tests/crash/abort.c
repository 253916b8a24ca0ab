/* A program that gives up by abort. */
#include <stdlib.h>

static void give_up(void) {
    abort();
}

int main(void) {
    void *block = malloc(10);
    give_up();
    free(block);
    return 0;
}
