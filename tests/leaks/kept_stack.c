/* Threads that sleep with pointers on their stacks, while the first one exits. KEPT */
#include <pthread.h>
#include <unistd.h>
#include "leaks.h"

enum { THREADS = 8 };
static pthread_barrier_t barrier;

static __attribute__((noinline)) void sleep_with(char *block) {
    char *volatile held = block;
    char *volatile deep[2000] = {0};
    deep[7] = take(77);
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
    use(deep[7]);
    use(held);
}

static void *work(void *unused) {
    (void)unused;
    sleep_with(take(200));
    return NULL;
}

int main(void) {
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread, NULL, work, NULL) != 0)
            return 2;
    pthread_barrier_wait(&barrier);
    forget_frames();
    return 0;
}
