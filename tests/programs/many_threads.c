/* Many threads that all live at once: `many_threads THREADS BLOCKS`. Thread t is given BLOCKS
 * blocks of 5,000 + t bytes one after the other, and each frees those of the thread before it.
 * Prints one line. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { threads_max = 4000, first_bytes = 5000 };
static pthread_barrier_t all_live;
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
    static pthread_t ids[threads_max];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN + 65536);
    pthread_barrier_init(&all_live, NULL, (unsigned)threads);
    for (long t = 0; t < threads; t++)
        given[t] = calloc((size_t)blocks, sizeof *given[t]);
    for (long t = 0; t < threads; t++)
        if (pthread_create(&ids[t], &small, work, (void *)t) != 0)
            abort();
    for (long t = 0; t < threads; t++)
        pthread_join(ids[t], NULL);
    puts("all threads are done");
    return 0;
}
