/* Frees a pointer into a block that no one watches, and goes on. */
#include <stdlib.h>

int main(void) {
    char *block = malloc(100);
    free(block + 8);
    free(block);
    return 0;
}
