/* Loses N blocks of 100 bytes through one stack; with a second word frees a block twice before
 * that. */
#include <stdlib.h>

static __attribute__((noinline)) void lose(void) {
    volatile char *lost = malloc(100);
    lost[0] = 1;
}

int main(int count, char **word) {
    if (count > 2) {
        char *volatile twice = malloc(8);
        free(twice);
        free(twice);
    }
    for (int i = 0; i < atoi(word[1]); i++)
        lose();
    return 0;
}
