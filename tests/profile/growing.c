/* Starts up, then works: `leak` grows all the time, `swing` takes and frees batches, `fill` fills a
 * cache that has a limit. At the end it frees everything, but with an argument. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 24000, CACHE = 2000, BATCH = 400, LEAKS = ROUNDS / 4, TABLE = 4000 };

static char *leaks[LEAKS], *cache[CACHE], *batch[BATCH], *table[TABLE];

static char *touched(char *block, size_t bytes) {
    if (!block)
        abort();
    return memset(block, 1, bytes);
}

#define TAKE(bytes) touched(malloc(bytes), bytes)
#define OWN         __attribute__((noinline, noipa))

OWN static void start_up(void) {
    for (int i = 0; i < TABLE; i++)
        table[i] = TAKE(500);
}

OWN static void leak(int round) {
    if (round % 4 == 0)
        leaks[round / 4] = TAKE(100);
}

OWN static void swing(int round) {
    int at = round % (2 * BATCH);
    if (at < BATCH) {
        batch[at] = TAKE(1000);
    } else {
        free(batch[at - BATCH]);
        batch[at - BATCH] = NULL;
    }
}

OWN static void fill(int round) {
    char **at = &cache[round * 7 % CACHE];
    free(*at);
    *at = TAKE(300);
}

OWN static void tear_down(char **blocks, int count) {
    for (int i = 0; i < count; i++)
        free(blocks[i]);
}

int main(int argc, char **argv) {
    (void)argv;
    start_up();
    for (int i = 0; i < ROUNDS; i++) {
        leak(i);
        swing(i);
        fill(i);
        if (i % 4 == 0)
            usleep(250); /* more than a second in all: what ends sooner is not said to grow */
    }
    if (argc > 1)
        return 0;
    tear_down(leaks, LEAKS);
    tear_down(cache, CACHE);
    tear_down(batch, BATCH);
    tear_down(table, TABLE);
    return 0;
}
