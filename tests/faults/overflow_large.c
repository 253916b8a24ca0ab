/* Writes one byte past the end of a block that has a mapping of its own. */
#include <stdlib.h>

static void fill(char *image, size_t bytes) {
    for (size_t i = 0; i <= bytes; i++)
        image[i] = 0;
}

int main(void) {
    char *image = malloc(100000);
    fill(image, 100000);
    free(image);
    return 0;
}
