/* Writes one element past an array of 100,000 bytes. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

static void write_at(char *block, int at) {
    block[at] = 1;
}

int main(void) {
    be_busy();
    char *block = malloc(100000);
    write_at(block, 100000);
    free(block);
    return 0;
}
