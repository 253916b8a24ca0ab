/* Frees a block twice that no one watches, and goes on. */
#include <stdlib.h>

int main(void) {
    char *block = malloc(100);
    free(block);
    free(block);
    return 0;
}
