/* Recurses until the stack of the first thread is full. */
#include <stdlib.h>

static volatile int endless = 1;

static int recurse(int depth) {
    volatile char frame[512];
    frame[0] = (char)depth;
    return endless ? recurse(depth + 1) + frame[0] : 0;
}

int main(void) {
    char *block = malloc(100);
    int sum = recurse(0);
    free(block);
    return sum;
}
