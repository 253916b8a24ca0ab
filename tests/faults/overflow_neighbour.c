/* Writes so far past the end of a block that the header of the one behind it is gone, too; that one
 * is freed first. */
#include <stdlib.h>
#include <string.h>

enum { blocks = 40, writer = 20 };

int main(void) {
    char *block[blocks], *behind = NULL;
    for (int i = 0; i < blocks; i++)
        block[i] = malloc(24);
    for (int i = 0; i < blocks; i++)
        if (block[i] > block[writer] && (!behind || block[i] < behind))
            behind = block[i];
    if (!behind)
        return 1;
    memset(block[writer], 0, (size_t)(behind - block[writer]) - 8);
    free(behind);
    return 0;
}
