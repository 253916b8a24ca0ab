/* Frees a block twice. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

int main(void) {
    be_busy();
    char *block = malloc(40);
    free(block);
    be_busy();
    free(block);
    return 0;
}
