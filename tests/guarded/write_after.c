/* Writes one byte past the 16 bytes that a block of 61 bytes ends in. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static void write_at(char *block, int at) {
    block[at] = 1;
}

int main(void) {
    be_busy();
    char *block = calloc(1, 61);
    write_at(block, 64);
    free(block);
    return 0;
}
