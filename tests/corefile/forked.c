/* Ends as the child of a fork, of a thread that had another one beside it. Five blocks are lost
 * there: 2,000 bytes that lead to 2,001 in the parent, 3,000 to 3,001 in the child, and 1,000 that
 * the other thread's stack alone leads to. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../leaks/leaks.h"

static pthread_barrier_t barrier;
static void *kept[2];

static void *other_thread(void *unused) {
    void *volatile on_stack = take(1000);
    kept[0] = take(1001);
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
    return on_stack ? unused : NULL;
}

static __attribute__((noinline)) void lose(size_t bytes) {
    void *volatile *block = take(bytes);
    *block = take(bytes + 1);
}

int main(void) {
    pthread_t other;
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&other, NULL, other_thread, NULL) != 0)
        return 3;
    pthread_barrier_wait(&barrier);
    lose(2000);
    forget_frames();
    pid_t child = fork();
    if (child == 0) {
        lose(3000);
        kept[1] = take(3002);
        forget_frames();
        exit(0);
    }
    (void)waitpid(child, NULL, 0);
    _exit(0);
}
