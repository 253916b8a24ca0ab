/* Blocks that thread-local variables hold, of the first thread and of one that still lives. KEPT */
#include <pthread.h>
#include <unistd.h>
#include "leaks.h"

static __thread void *volatile mine;
static pthread_barrier_t barrier;

static void *work(void *unused) {
    (void)unused;
    mine = take(200);
    use(mine);
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
}

int main(void) {
    pthread_t thread;
    mine = take(100);
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        return 2;
    pthread_barrier_wait(&barrier);
    forget_frames();
    return 0;
}
