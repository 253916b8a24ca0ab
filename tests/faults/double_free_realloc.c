/* Resizes a block that was freed. */
#include <stdlib.h>

static char *grow(char *buffer) {
    return realloc(buffer, 200);
}

int main(void) {
    char *buffer = malloc(100);
    free(buffer);
    return grow(buffer) == NULL;
}
