/* A mix of sizes over threads as a heap benchmark for SMP has it: `sh8bench THREADS SECONDS
 * [SEED]`.
 *
 * Each thread takes a generation of blocks in runs: many of one size, then of the next, small ones
 * more often than greater ones; frees some of it oldest first, some newest first, some in the
 * middle, and hands the rest to the next thread, which resizes a part and frees it generations
 * later. Threads end every twenty generations and are replaced. Every block is filled with a
 * pattern and looked at from end to end. At the end, with and without live blocks, hak_verify must
 * find nothing. Prints operations and how many threads there were. */
#include "hakmem.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GENERATION = 2000, MOST_THREADS = 256, GENERATIONS = 20, SHELVES = 8 };

struct block {
    struct block *next;
    uint32_t bytes; /* all of it */
    uint32_t pattern;
};

/* Chains that wait for the next thread. */
static _Atomic(struct block *) shelves[MOST_THREADS][SHELVES];
static _Atomic long operations, generations;
static long threads, seed = 1;
static _Atomic int is_over;

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void fail(const char *what, const void *where) {
    fprintf(stderr, "sh8bench: %s at %p\n", what, where);
    _exit(1);
}

static void verify_heap(void) {
    if (hak_verify && hak_verify() != 0)
        fail("hak_verify finds something", NULL);
}

static void fill(struct block *block, size_t from) {
    uint32_t *words = (uint32_t *)block;
    for (size_t i = from < 16 ? 4 : from / 4; i < block->bytes / 4; i++)
        words[i] = block->pattern + (uint32_t)i;
}

static void look(const struct block *block, size_t bytes) {
    const uint32_t *words = (const uint32_t *)block;
    for (size_t i = 4; i < bytes / 4; i++)
        if (words[i] != block->pattern + (uint32_t)i)
            fail("a block has changed", &words[i]);
}

static struct block *make(size_t bytes, uint64_t *state) {
    struct block *block = malloc(bytes);
    if (!block)
        fail("no memory", NULL);
    *block = (struct block){.bytes = (uint32_t)bytes, .pattern = (uint32_t)next(state)};
    fill(block, 0);
    return block;
}

static void drop(struct block *block) {
    if (!block)
        return;
    look(block, block->bytes);
    block->pattern = ~block->pattern;
    free(block);
}

static struct block *resize(struct block *block, size_t bytes) {
    size_t old = block->bytes;
    look(block, old);
    block = realloc(block, bytes);
    if (!block)
        fail("no memory", NULL);
    look(block, old < bytes ? old : bytes);
    block->bytes = (uint32_t)bytes;
    fill(block, old < bytes ? old / 4 * 4 : bytes / 4 * 4);
    return block;
}

static size_t pick(uint64_t *state) {
    uint64_t r = next(state), part = r >> 16;
    if (r % 2000 == 0)
        return 16 + part % 400000;
    if (r % 100 == 0)
        return 16 + part % 33000;
    return 16 + part % (r % 4 ? 130 : 1100);
}

static void drop_chain(struct block *chain) {
    while (chain) {
        struct block *later = chain->next;
        drop(chain);
        chain = later;
    }
}

/* Resizes every fourth block of what the thread before has left, then lets go of it. */
static void inherit(long mine, uint64_t *state) {
    struct block *chain = atomic_exchange(&shelves[mine][next(state) % SHELVES], NULL);
    for (struct block **place = &chain; *place; place = &(*place)->next)
        if (next(state) % 4 == 0)
            *place = resize(*place, pick(state));
    drop_chain(chain);
}

static void leave(long mine, struct block **blocks, int count, uint64_t *state) {
    struct block *chain = NULL;
    for (int i = 0; i < count; i++)
        if (blocks[i]) {
            blocks[i]->next = chain;
            chain = blocks[i];
            blocks[i] = NULL;
        }
    drop_chain(atomic_exchange(&shelves[(mine + 1) % threads][next(state) % SHELVES], chain));
}

static void live_a_generation(long mine, struct block **blocks, uint64_t *state) {
    size_t bytes = 16;
    for (int i = 0; i < GENERATION; i++) {
        if (next(state) % 20 == 0)
            bytes = pick(state);
        blocks[i] = make(bytes, state);
    }
    for (int i = 0; i < GENERATION / 4; i++) {
        drop(blocks[i]); /* oldest first */
        blocks[i] = NULL;
    }
    for (int i = GENERATION; i-- > GENERATION * 3 / 4;) {
        drop(blocks[i]); /* newest first */
        blocks[i] = NULL;
    }
    for (int i = 0; i < GENERATION / 4; i++) {
        int place = GENERATION / 4 + (int)(next(state) % (GENERATION / 2));
        drop(blocks[place]);
        blocks[place] = NULL;
    }
    leave(mine, blocks, GENERATION, state);
    inherit(mine, state);
    operations += 2 * GENERATION;
}

static void *work(void *argument) {
    long mine = (long)argument;
    struct block *blocks[GENERATION] = {NULL};
    uint64_t state = (uint64_t)(++generations + seed) * 0x9e3779b97f4a7c15ull + (uint64_t)mine;
    for (int i = 0; i < GENERATIONS && !is_over; i++)
        live_a_generation(mine, blocks, &state);
    return NULL;
}

/* One line of threads: when one ends the next begins. */
static void *keep_working(void *argument) {
    while (!is_over) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, argument) != 0)
            fail("no thread", NULL);
        pthread_join(thread, NULL);
    }
    return NULL;
}

int main(int count, char **arguments) {
    pthread_t lines[MOST_THREADS];
    threads = count > 2 ? atol(arguments[1]) : 0;
    if (threads < 1 || threads > MOST_THREADS) {
        fputs("usage: sh8bench THREADS SECONDS [SEED]\n", stderr);
        return 2;
    }
    seed = count > 3 ? atol(arguments[3]) : 1;
    for (long i = 0; i < threads; i++)
        if (pthread_create(&lines[i], NULL, keep_working, (void *)i) != 0)
            fail("no thread", NULL);
    time_t end = time(NULL) + atol(arguments[2]);
    while (time(NULL) < end)
        usleep(20000);
    is_over = 1;
    for (long i = 0; i < threads; i++)
        pthread_join(lines[i], NULL);
    verify_heap();
    for (long i = 0; i < threads; i++)
        for (int j = 0; j < SHELVES; j++)
            drop_chain(shelves[i][j]);
    verify_heap();
    printf("%ld operations, %ld threads\n", operations, generations);
    return 0;
}
