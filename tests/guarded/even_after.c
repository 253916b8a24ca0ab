/* Writes one byte past a block of 22 bytes: no multiple of 4 or more, but the page begins there. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static void write_at(char *block, int at) {
    block[at] = 1;
}

int main(void) {
    be_busy();
    char *block = calloc(1, 22);
    write_at(block, 22);
    free(block);
    return 0;
}
