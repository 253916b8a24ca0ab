/* Writes into a block that it has freed, among others that it still has; nothing is allocated any
 * more. */
#include <stdlib.h>
#include <string.h>

enum { blocks = 40 };

int main(void) {
    char *block[blocks];
    for (int i = 0; i < blocks; i++)
        block[i] = malloc(100);
    free(block[30]);
    strcpy(block[30] + 40, "too late");
    return block[0] == NULL;
}
