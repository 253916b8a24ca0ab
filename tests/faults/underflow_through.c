/* Writes in front of a block: through its header and the four bytes before that. */
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *block = malloc(24);
    volatile size_t bytes = 20;
    memset(block - bytes, 'x', bytes);
    free(block);
    return 0;
}
