/* Writes into a block that it has freed, beside live ones, and goes on: it is seen before the block
 * serves again. */
#include <stdlib.h>

int main(void) {
    long *counter[200];
    for (int i = 0; i < 200; i++)
        counter[i] = calloc(4, sizeof(long));
    free(counter[100]);
    counter[100][2]++;
    for (int i = 0; i < 100000; i++)
        free(malloc(4 * sizeof(long)));
    return counter[0][0] != 0;
}
