/* Makes every kind of call that replay knows, on one thread. */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

enum { BLOCKS = 500, ROUNDS = 20 };

int main(void) {
    static void *block[BLOCKS];
    unsigned state = 1;
    void *large = malloc((size_t)5 << 30); /* more than 32 bits */
    void *zeroes = calloc((size_t)3 << 10, (size_t)2 << 20);
    for (int i = 0; i < BLOCKS * ROUNDS; i++) {
        state = state * 1103515245u + 12345u;
        unsigned at = (state >> 8) % BLOCKS, bytes = (state >> 4) % 3000;
        switch (i % 5) {
        case 0:
            free(block[at]);
            block[at] = malloc(bytes);
            break;
        case 1:
            free(block[at]);
            block[at] = calloc(3, bytes);
            break;
        case 2:
            free(block[at]);
            block[at] = memalign(256, bytes);
            break;
        case 3:
            block[at] = realloc(block[at], bytes + 1);
            break;
        case 4:
            free(block[at]);
            block[at] = NULL;
            break;
        }
    }
    void *grown = NULL;
    for (unsigned i = 1; i < 300; i++)
        grown = realloc(grown, (size_t)i * 700);
    free(grown);
    free(large);
    free(zeroes);
    return 0; /* some blocks are left */
}
