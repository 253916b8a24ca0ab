/* A server after Larson and Krishnan ("Memory allocation for long-running server applications",
 * ISMM 1998): `larson THREADS SECONDS [SEED]`.
 *
 * Each thread has a table of blocks, replaces them one by one at random, and after some thousand
 * replacements starts its own successor, which goes on with the table, and ends: so most blocks are
 * freed by another thread than the one that took them. Every block is filled with a pattern of its
 * own and looked at from end to end before it is freed. At the end, with the tables full and once
 * they are empty, hak_verify must find nothing. Prints operations and how many threads there were.
 */
#include "hakmem.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TABLE = 1000,
    REPLACEMENTS = 10000,
    MOST_THREADS = 256,
    LEAST_BYTES = 16,
    MOST_BYTES = 1040
};

struct block {
    uint32_t bytes; /* all of it */
    uint32_t pattern;
};

struct line {
    struct block *table[TABLE];
    uint64_t state;
};

static struct line lines[MOST_THREADS];
static _Atomic long operations, generations, running;
static _Atomic int is_over;

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void fail(const char *what, const void *where) {
    fprintf(stderr, "larson: %s at %p\n", what, where);
    _exit(1);
}

static void verify_heap(const char *when) {
    if (hak_verify && hak_verify() != 0)
        fail("hak_verify finds something", when);
}

static struct block *make(uint64_t *state) {
    /* Now and then a large one, so that every layer has its part. */
    uint64_t r = next(state);
    size_t bytes = LEAST_BYTES + (r >> 16) % (MOST_BYTES - LEAST_BYTES);
    if (r % 512 == 0)
        bytes = LEAST_BYTES + (r >> 16) % 200000;
    else if (r % 64 == 0)
        bytes = LEAST_BYTES + (r >> 16) % 30000;
    struct block *block = malloc(bytes);
    if (!block)
        fail("no memory", NULL);
    block->bytes = (uint32_t)bytes;
    block->pattern = (uint32_t)r | 1;
    uint32_t *words = (uint32_t *)block;
    for (size_t i = 2; i < bytes / 4; i++)
        words[i] = block->pattern + (uint32_t)i;
    return block;
}

static void drop(struct block *block) {
    if (!block)
        return;
    const uint32_t *words = (const uint32_t *)block;
    for (size_t i = 2; i < block->bytes / 4; i++)
        if (words[i] != block->pattern + (uint32_t)i)
            fail("a block has changed", &words[i]);
    block->pattern = 0;
    free(block);
}

static void *work(void *argument);

static void start_successor(struct line *line) {
    pthread_attr_t detached;
    pthread_t thread;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &detached, work, line) != 0)
        fail("no thread", line);
    pthread_attr_destroy(&detached);
}

static void *work(void *argument) {
    struct line *line = argument;
    for (int i = 0; i < REPLACEMENTS; i++) {
        struct block **place = &line->table[next(&line->state) % TABLE];
        drop(*place);
        *place = make(&line->state);
    }
    operations += 2 * REPLACEMENTS;
    generations++;
    if (is_over)
        running--;
    else
        start_successor(line);
    return NULL;
}

int main(int count, char **arguments) {
    long threads = count > 2 ? atol(arguments[1]) : 0;
    if (threads < 1 || threads > MOST_THREADS) {
        fputs("usage: larson THREADS SECONDS [SEED]\n", stderr);
        return 2;
    }
    time_t end = time(NULL) + atol(arguments[2]);
    running = threads;
    for (long i = 0; i < threads; i++) {
        lines[i].state =
            0x9e3779b97f4a7c15ull * (uint64_t)(i + (count > 3 ? atol(arguments[3]) : 1));
        start_successor(&lines[i]);
    }
    while (time(NULL) < end)
        usleep(20000);
    is_over = 1;
    while (running > 0)
        usleep(1000);
    usleep(200000); /* the last ones end */
    verify_heap("full tables");
    for (long i = 0; i < threads; i++)
        for (int j = 0; j < TABLE; j++)
            drop(lines[i].table[j]);
    verify_heap("empty tables");
    printf("%ld operations, %ld threads\n", operations, generations);
    return 0;
}
