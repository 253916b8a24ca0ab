/* The write past the end, the allocation and the free happen in different threads. */
#include <pthread.h>
#include "shapes.h"

static char *shared;

static void run_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument) != 0)
        exit(2);
    pthread_join(thread, NULL);
}

static void *write_past(void *size) {
    shared[(size_t)size] = 'T';
    return NULL;
}

static void *allocate(void *size) {
    shared = opaque(malloc((size_t)size));
    return NULL;
}

static void *release(void *unused) {
    free(shared);
    return unused;
}

SHAPE(written_in_thread) {
    shared = opaque(malloc(34));
    run_thread(write_past, (void *)34);
    free(shared);
}

SHAPE(freed_in_thread) {
    shared = opaque(malloc(35));
    shared[35] = 'T';
    run_thread(release, NULL);
}

SHAPE(block_of_ended_thread) {
    run_thread(allocate, (void *)36);
    shared[36] = 'T';
    free(shared);
}

SHAPE(three_threads) {
    run_thread(allocate, (void *)37);
    run_thread(write_past, (void *)37);
    run_thread(release, NULL);
}

SHAPE(never_freed_by_thread) {
    run_thread(allocate, (void *)38);
    run_thread(write_past, (void *)38);
}

SHAPE(mid_block) {
    run_thread(allocate, (void *)3000);
    shared[3000] = 'T';
    run_thread(release, NULL);
}

static void *overflow_alone(void *unused) {
    char *own = opaque(malloc(39));
    own[39] = 'T';
    free(own);
    return unused;
}

SHAPE(wholly_in_thread) {
    run_thread(overflow_alone, NULL);
}

RUN_ONE()
