/* Resizes a large block, whose pages move, and receives into the next block at the addresses that
 * it has left (tests/arm/plain.sh). Prints "received". */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 600000, MORE_BYTES = 1500000, ROUNDS = 20 };

int main(void) {
    int zeros = open("/dev/zero", O_RDONLY);
    for (int i = 0; i < ROUNDS; i++) {
        char *block = malloc(BYTES);
        memset(block, 7, BYTES);
        char *moved = realloc(block, MORE_BYTES), *next = malloc(BYTES);
        memset(next, 7, BYTES);
        ssize_t got = read(zeros, next, BYTES);
        if (got <= 0 || next[got - 1] != 0 || moved[BYTES - 1] != 7) {
            perror("read");
            return 1;
        }
        free(moved);
        free(next);
    }
    puts("received");
    return 0;
}
