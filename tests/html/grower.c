/* A cache that grows, rows that live shortly, a mark between, a leak, and without an argument a
 * double free at its end. */
#include <stdlib.h>
#include <string.h>
#include "hakmem.h"

enum { ROUNDS = 40, ROWS = 60 };
static void *cache[ROUNDS];
static void *volatile sink;

__attribute__((noinline)) static void *grow_cache(size_t bytes) {
    return memset(malloc(bytes), 1, bytes);
}

__attribute__((noinline)) static void parse_row(int i) {
    char *row = malloc(32 + (size_t)i * 8), *word = malloc(24);
    sink = row;
    free(word);
    sink = malloc(16);
    free(sink);
    free(row);
}

__attribute__((noinline)) static void lose(size_t bytes) {
    sink = malloc(bytes);
}

int main(int count, char **words) {
    (void)words;
    for (int round = 0; round < ROUNDS; round++) {
        if (round == ROUNDS / 2)
            hak_mark("half way");
        cache[round] = grow_cache(2000 + (size_t)round * 100);
        for (int i = 0; i < ROWS; i++)
            parse_row(i);
    }
    for (int round = 0; round < ROUNDS / 3; round++)
        free(cache[round]);
    lose(1234);
    sink = NULL;
    if (count == 1)
        free(cache[0]);
    return 0;
}
