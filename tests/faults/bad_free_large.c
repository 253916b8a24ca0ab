/* Frees a pointer into a block so large that it has a mapping of its own. */
#include <stdlib.h>

static void drop(char *image) {
    free(image + 4096);
}

int main(void) {
    char *image = malloc(1000000);
    drop(image);
    return 0;
}
