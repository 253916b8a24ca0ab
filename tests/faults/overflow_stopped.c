/* Writes past the end of a block byte by byte: the first ones go where nothing stops them. */
#include <stdlib.h>

static void fill(volatile char *to, int bytes) {
    for (int i = 0; i < bytes; i++)
        to[i] = 'x';
}

int main(void) {
    char *name = malloc(100);
    fill(name, 140);
    free(name);
    return 0;
}
