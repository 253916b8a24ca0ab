/* Frees a pointer into the closed page behind a block. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

int main(void) {
    be_busy();
    char *block = malloc(40);
    free(block + 5000);
    return 0;
}
