/* Frees a block twice that is so large that it had a mapping of its own. */
#include <stdlib.h>

static void close_image(char *image) {
    free(image);
}

int main(void) {
    char *image = malloc(1000000);
    close_image(image);
    close_image(image);
    return 0;
}
