/* Writes before the first byte of a block that it has already freed: the header that the block
 * keeps while it lies in the thread's list. */
#include <stdlib.h>

enum { blocks = 100 };

int main(void) {
    char *block[blocks];
    for (int i = 0; i < blocks; i++)
        block[i] = malloc(24);
    for (int i = 0; i < blocks; i++)
        free(block[i]);
    for (int i = 0; i < blocks; i++)
        block[i][-16] = 0;
    for (int i = 0; i < blocks; i++)
        block[i] = malloc(24);
    return 0;
}
