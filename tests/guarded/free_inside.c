/* Frees a pointer into a block. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

int main(void) {
    be_busy();
    char *block = malloc(40);
    free(block + 8);
    return 0;
}
