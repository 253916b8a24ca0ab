/* The main thread calls 80,000 times while other threads have a block each and wait: `idle
 * THREADS`. */
#include <pthread.h>
#include <stdlib.h>

enum { CALLS = 40000, THREADS_MAX = 300 };

static pthread_barrier_t start;
static pthread_mutex_t until_end = PTHREAD_MUTEX_INITIALIZER;

static void *wait_idle(void *unused) {
    void *block = malloc(100);
    pthread_barrier_wait(&start);
    pthread_mutex_lock(&until_end);
    pthread_mutex_unlock(&until_end);
    free(block);
    return unused;
}

int main(int count, char **argument) {
    int threads = count > 1 ? atoi(argument[1]) : 1;
    pthread_t thread[THREADS_MAX];
    pthread_barrier_init(&start, NULL, (unsigned)threads + 1);
    pthread_mutex_lock(&until_end);
    for (int i = 0; i < threads && i < THREADS_MAX; i++)
        pthread_create(&thread[i], NULL, wait_idle, NULL);
    pthread_barrier_wait(&start);
    for (int i = 0; i < CALLS; i++)
        free(malloc((size_t)(i % 500) + 1));
    pthread_mutex_unlock(&until_end);
    for (int i = 0; i < threads && i < THREADS_MAX; i++)
        pthread_join(thread[i], NULL);
    return 0;
}
