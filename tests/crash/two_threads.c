/* Two threads crash at once. */
#include <pthread.h>
#include <stddef.h>

static pthread_barrier_t both;

static void *work(void *pointer) {
    pthread_barrier_wait(&both);
    *(volatile int *)pointer = 1;
    return NULL;
}

int main(void) {
    pthread_t threads[2];
    pthread_barrier_init(&both, NULL, 2);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
