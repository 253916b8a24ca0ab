/* Resizes blocks to 0 bytes; where that gives a block, it is freed. */
#include <stdlib.h>

int main(void) {
    for (size_t i = 1; i <= 300; i++)
        free(realloc(malloc(i), 0));
    return 0;
}
