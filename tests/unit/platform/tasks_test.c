/* The threads of the process: each once, as often as it is asked. */
#include <pthread.h>
#include <unistd.h>
#include "platform/tasks.h"
#include "../suite.h"

static void list(int thread, void *context) {
    int *seen = context;
    if (thread == getpid())
        seen[0]++;
    else
        seen[1]++;
}

static void *wait_for_lock(void *lock) {
    pthread_mutex_lock(lock);
    return NULL;
}

TEST(lists_each_thread_once_and_again) {
    enum { THREADS = 90 }; /* more than one listing holds */
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[THREADS];
    long folder = hak_open_tasks();
    ck_assert_int_ge(folder, 0);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, wait_for_lock, &lock), 0);
    for (int round = 0; round < 2; round++) {
        int seen[2] = {0};
        hak_visit_tasks(folder, list, seen);
        ck_assert_int_eq(seen[0], 1);
        ck_assert_int_eq(seen[1], THREADS);
    }
    _exit(0);
}

RUN_TESTS()
