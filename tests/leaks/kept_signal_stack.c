/* Alternate signal stacks that the kernel alone knows, of two threads. KEPT */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include "leaks.h"

static pthread_barrier_t barrier;

static __attribute__((noinline)) void set_stack(void) {
    stack_t stack = {.ss_sp = take(65536), .ss_size = 65536};
    if (sigaltstack(&stack, NULL) != 0)
        _Exit(2);
    use(&stack);
}

static void *work(void *unused) {
    (void)unused;
    set_stack();
    forget_frames();
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
}

int main(void) {
    pthread_t thread;
    set_stack();
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        return 2;
    pthread_barrier_wait(&barrier);
    forget_frames();
    return 0;
}
