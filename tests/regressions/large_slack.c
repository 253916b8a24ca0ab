/* Prints an address behind the end of a large block, in its last page, and frees the block. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char *block = malloc(100000);
    printf("%p\n", (void *)(block + 100000 + 2000));
    free(block);
    return 0;
}
