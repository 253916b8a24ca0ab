/* Writes into a block after a realloc has moved it. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static void write_at(char *block, int at) {
    block[at] = 1;
}

int main(void) {
    be_busy();
    char *block = calloc(1, 40), *old = block;
    block = realloc(block, 4000);
    write_at(old, 5);
    free(block);
    return 0;
}
