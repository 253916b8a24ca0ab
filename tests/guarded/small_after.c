/* Writes one byte past a block of four bytes. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static void write_at(char *block, int at) {
    block[at] = 1;
}

int main(void) {
    be_busy();
    char *block = calloc(1, 4);
    write_at(block, 4);
    free(block);
    return 0;
}
