/* Writes past a block that is aligned to 256 bytes. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static void write_at(char *block, int at) {
    block[at] = 1;
}

int main(void) {
    be_busy();
    char *block = aligned_alloc(256, 512);
    write_at(block, 512);
    free(block);
    return 0;
}
