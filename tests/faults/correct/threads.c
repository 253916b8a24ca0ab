/* Blocks wander between threads: freed elsewhere, by threads that outlive their maker, in queues.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "../corpus/shapes.h"

enum { THREADS = 4, BLOCKS = 2000 };
static char *block[THREADS][BLOCKS];
static _Atomic(char *) slot[64];

static void *make(void *row) {
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = (size_t)(i * 31 % 1500 + 1);
        ((char **)row)[i] = opaque(malloc(size));
        memset(((char **)row)[i], i, size);
    }
    return NULL;
}

static void *release(void *row) {
    for (int i = 0; i < BLOCKS; i++)
        free(((char **)row)[i]);
    return NULL;
}

static void run_on_rows(void *(*body)(void *), int shift) {
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, body, block[(i + shift) % THREADS]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

SHAPE(freed_by_others) {
    for (int round = 0; round < 3; round++) {
        run_on_rows(make, 0);
        run_on_rows(release, 1);
    }
}

SHAPE(freed_by_the_first) {
    run_on_rows(make, 0);
    for (int i = 0; i < THREADS; i++)
        release(block[i]);
}

static void *exchange(void *seed) {
    unsigned state = (unsigned)(size_t)seed;
    for (int i = 0; i < 20000; i++) {
        state = state * 1103515245 + 12345;
        size_t size = state >> 16 & 255;
        char *mine = opaque(malloc(size + 1));
        mine[0] = mine[size] = 'e';
        free(atomic_exchange(&slot[state >> 8 & 63], mine));
    }
    return NULL;
}

SHAPE(exchanged) {
    pthread_t thread[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, exchange, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 64; i++)
        free(atomic_exchange(&slot[i], NULL));
}

static void *make_result(void *size) {
    return opaque(calloc(1, (size_t)size));
}

SHAPE(results) {
    for (size_t i = 1; i < 50; i++) {
        pthread_t thread;
        void *result;
        pthread_create(&thread, NULL, make_result, (void *)(i * 100));
        pthread_join(thread, &result);
        free(realloc(result, 10));
    }
}

RUN_ALL()
