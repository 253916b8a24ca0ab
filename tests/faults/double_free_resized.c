/* Frees a block that realloc to no bytes has freed. */
#include <stdlib.h>

static void *shrink(void *block) {
    return realloc(block, 0);
}

int main(void) {
    char *volatile block = malloc(24);
    if (!shrink(block))
        free(block);
    return 0;
}
