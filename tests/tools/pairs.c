/* Hands out and takes back 500 blocks a hundred times, and ends by a signal while it holds one; a
 * fault injected into the allocator is found on the way. */
#include <stdlib.h>
int main(void) {
    void *rows[500];
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 500; i++)
            rows[i] = malloc(24);
        for (int i = 0; i < 500; i++)
            free(rows[i]);
    }
    rows[0] = malloc(100);
    abort();
}
