/* Many threads that all live at once: `many_threads THREADS BLOCKS`. Thread t is given BLOCKS
 * blocks of 5,000 + t bytes one after the other, and each frees those of the thread before it.
 * Prints one line. */
#include "all_live.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { first_bytes = 5000 };
static long threads, blocks;
static char **given[threads_max];

static void *work(void *context) {
    long self = (long)context, before = (self + threads - 1) % threads;
    pthread_barrier_wait(&all_live);
    for (long i = 0; i < blocks; i++) {
        given[self][i] = malloc((size_t)(first_bytes + self));
        if (!given[self][i])
            abort();
        memset(given[self][i], (int)self, (size_t)(first_bytes + self));
    }
    pthread_barrier_wait(&all_live);
    for (long i = 0; i < blocks; i++)
        free(given[before][i]);
    pthread_barrier_wait(&all_live);
    return NULL;
}

int main(int argc, char **argv) {
    threads = argc == 3 ? atol(argv[1]) : 0;
    blocks = argc == 3 ? atol(argv[2]) : 0;
    if (threads < 1 || threads > threads_max || blocks < 1) {
        fputs("usage: many_threads THREADS BLOCKS\n", stderr);
        return 2;
    }
    for (long t = 0; t < threads; t++)
        given[t] = calloc((size_t)blocks, sizeof *given[t]);
    run_all_live(threads, work);
    puts("all threads are done");
    return 0;
}
