/* Writes into blocks that it has freed, while they lie in the thread's list: over the links. */
#include <stdlib.h>

enum { blocks = 100 };

int main(void) {
    static long elsewhere;
    long **block[blocks];
    for (int i = 0; i < blocks; i++)
        block[i] = malloc(24);
    for (int i = 0; i < blocks; i++)
        free(block[i]);
    for (int i = 0; i < blocks; i++)
        block[i][0] = &elsewhere;
    for (int i = 0; i < blocks; i++)
        block[i] = malloc(24);
    return 0;
}
