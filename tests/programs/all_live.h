/* Starts threads that all live at once, for own_log and many_threads. */
#ifndef TESTS_PROGRAMS_ALL_LIVE_H
#define TESTS_PROGRAMS_ALL_LIVE_H

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

enum { threads_max = 4000 };
static pthread_barrier_t all_live; /* of as many threads as there are */

/* Runs `work` in each of `threads` threads, which get their numbers from 0 on, and waits for them
 * all. */
static void run_all_live(long threads, void *(*work)(void *)) {
    static pthread_t ids[threads_max];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN + 65536);
    pthread_barrier_init(&all_live, NULL, (unsigned)threads);
    for (long t = 0; t < threads; t++)
        if (pthread_create(&ids[t], &small, work, (void *)t) != 0)
            abort();
    for (long t = 0; t < threads; t++)
        pthread_join(ids[t], NULL);
}

#endif
