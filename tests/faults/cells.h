/* Helpers for the programs with an injected fault: a worker thread that takes blocks of two
 * neighbouring size classes, gives them back, and takes as many again, so that each block goes from
 * the magazine to the thread's list and is popped from it. Nothing is wrong with this; the fault is
 * made inside the allocator, by HAKMEM_INJECT. */
#include <pthread.h>
#include <stdlib.h>

enum { cells = 100 };

static void take(void *cell[], size_t bytes) {
    for (int i = 0; i < cells; i++)
        cell[i] = malloc(bytes);
}

static void give_back(void *cell[]) {
    for (int i = 0; i < cells; i++)
        free(cell[i]);
}

static void *worker(void *unused) {
    void *cell[cells], *smaller[cells];
    (void)unused;
    take(cell, 24);
    give_back(cell);
    take(smaller, 8);
    take(cell, 24);
    give_back(smaller);
    give_back(cell);
    return NULL;
}

static int run_worker(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, worker, NULL);
    pthread_join(thread, NULL);
    return 0;
}
