/* `layers BYTES ROUNDS BLOCKS [STEP]`: takes so many blocks of a size and gives them back, round by
 * round, each round's STEP bytes larger. */
#include <stdlib.h>

enum { MOST = 2000 };

int main(int count, char **arguments) {
    static char *blocks[MOST];
    size_t bytes = count >= 4 ? (size_t)atol(arguments[1]) : 0;
    size_t step = count == 5 ? (size_t)atol(arguments[4]) : 0;
    int rounds = bytes ? atoi(arguments[2]) : 0, most = bytes ? atoi(arguments[3]) : MOST;
    if (!bytes || most >= MOST)
        return 2;
    for (int round = 0; round < rounds; round++, bytes += step) {
        for (int i = 0; i < most; i++)
            blocks[i] = malloc(bytes);
        for (int i = 0; i < most; i++)
            free(blocks[i]);
    }
    return 0;
}
