/* Makes enough events to fill a small disk. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    static void *blocks[1000];
    unsigned long seed = 1;
    for (int i = 0; i < 400000; i++) {
        seed = seed * 6364136223846793005ul + 1442695040888963407ul;
        unsigned at = (unsigned)(seed >> 33) % 1000;
        free(blocks[at]);
        blocks[at] = malloc((seed >> 45) % 3000 + 1);
    }
    for (int i = 0; i < 1000; i++)
        free(blocks[i]);
    puts("done");
    return 3;
}
