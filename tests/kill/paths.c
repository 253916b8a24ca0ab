/* Allocates by paths that can be checked: block i comes from path i of 20 calls, and has i + 1
 * bytes.
 *
 * `paths ROUNDS PATHS PAUSE_MS`. Two threads go ROUNDS times through all paths, each round in
 * another order, and pause after each 1,000. Prints "done" at the end. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CALLS = 20, THREADS = 2, BETWEEN_PAUSES = 1000 };
static unsigned long rounds, paths;
static useconds_t pause_us;
static _Thread_local void *volatile block;

static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Each call goes to one of four functions, by two bits of the path. */
static void descend(unsigned depth, uint64_t path, size_t bytes);
#define WAY(n)                                                                                     \
    __attribute__((noinline)) static void way_##n(unsigned depth, uint64_t path, size_t bytes) {   \
        if (depth > 0)                                                                             \
            descend(depth - 1, path >> 2, bytes);                                                  \
        else                                                                                       \
            block = malloc(bytes);                                                                 \
        __asm__ volatile("");                                                                      \
    }
WAY(0)
WAY(1)
WAY(2)
WAY(3)

__attribute__((noinline)) static void descend(unsigned depth, uint64_t path, size_t bytes) {
    static void (*const way[4])(unsigned, uint64_t, size_t) = {way_0, way_1, way_2, way_3};
    way[path & 3](depth, path, bytes);
    __asm__ volatile("");
}

static void *allocate(void *number) {
    uint64_t thread = (uintptr_t)number;
    for (unsigned long round = 0; round < rounds; round++)
        for (unsigned long i = 0; i < paths; i++) {
            /* An odd factor and a power of two of paths: each is met once in a round. */
            uint64_t path = (i * (2 * (round * THREADS + thread) + 1)) & (paths - 1);
            descend(CALLS - 1, mix(path), path + 1);
            free(block);
            if (i % BETWEEN_PAUSES == 0 && pause_us)
                usleep(pause_us);
        }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread[THREADS];
    if (argc != 4) {
        fputs("usage: paths ROUNDS PATHS PAUSE_MS, PATHS a power of two\n", stderr);
        return 2;
    }
    rounds = strtoul(argv[1], NULL, 10);
    paths = strtoul(argv[2], NULL, 10);
    pause_us = (useconds_t)strtoul(argv[3], NULL, 10) * 1000;
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, allocate, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    puts("done");
    return 0;
}
