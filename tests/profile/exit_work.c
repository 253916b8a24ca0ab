/* Takes blocks evenly for a while and keeps them: hakmem's sweep and scan for leaks at the exit
 * have much to do. With the word `fell` it holds 40 MB for most of that time, gives them back, and
 * grows by 100 KB until its end. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT = 60000, LARGE = 20000, SMALL = 10000 };

static char *kept[KEPT], *large[LARGE];

static __attribute__((noinline, noipa)) char *take(size_t bytes) {
    char *block = malloc(bytes);
    if (!block)
        abort();
    return memset(block, 1, bytes);
}

static void fall_and_grow(void) {
    for (int i = 0; i < LARGE; i++)
        large[i] = take(2000);
    for (int i = 0; i < LARGE; i++)
        free(large[i]);
    for (int i = 0; i < SMALL; i++) {
        kept[i] = take(10);
        if (i % 10 == 0)
            usleep(3000);
    }
}

int main(int count, char **word) {
    (void)word;
    if (count > 1) {
        fall_and_grow();
        return 0;
    }
    for (int i = 0; i < KEPT; i++) {
        kept[i] = take(200);
        if (i % 300 == 0)
            usleep(500);
    }
    return 0;
}
