/* The main thread ends first; then each thread starts the next one some epochs later and ends. */
#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 6, CALLS = 12000 };

static void *work(void *number) {
    for (int i = 0; i < CALLS; i++)
        free(malloc((size_t)(i % 300) + 1));
    pthread_t next;
    size_t left = (size_t)number;
    if (left > 0) {
        pthread_create(&next, NULL, work, (void *)(left - 1));
        pthread_detach(next);
    }
    return NULL;
}

int main(void) {
    pthread_t first;
    free(malloc(10));
    pthread_create(&first, NULL, work, (void *)(size_t)THREADS);
    pthread_detach(first);
    pthread_exit(NULL);
}
