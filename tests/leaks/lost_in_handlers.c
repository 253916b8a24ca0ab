/* LOST direct 1 100 indirect 0 0: while other threads wait in handlers on signal stacks that hakmem
 * lent them and that lie side by side. A block that such a handler alone has is kept. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>
#include "leaks.h"

enum { THREADS = 4, STACK_BYTES = 256 << 10 };

static _Alignas(4096) char stacks[THREADS][STACK_BYTES]; /* nothing is mapped between theirs */
static sem_t waits;

static void handle(int signal) {
    void *volatile kept = take(60);
    (void)signal;
    sem_post(&waits);
    pause();
    use(kept);
}

static void *live(void *nothing) {
    pthread_kill(pthread_self(), SIGUSR1);
    return nothing;
}

int main(void) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    sem_init(&waits, 0, 0);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        pthread_attr_setstack(&attributes, stacks[i], STACK_BYTES);
        if (pthread_create(&thread, &attributes, live, NULL) != 0)
            return 3;
        sem_wait(&waits);
    }
    use(take(100));
    forget_frames();
    return 0;
}
