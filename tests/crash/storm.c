/* Allocates without end in two threads, while a timer's handler runs in the middle of whatever they
 * do; after many ticks the handler crashes. Run by storms.sh. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

static volatile int ticks;
static int *volatile nothing;

static void on_tick(int number) {
    (void)number;
    if (++ticks > 300)
        *nothing = 1;
}

static void *work(void *unused) {
    static __thread void *blocks[1000];
    for (unsigned i = 0;; i++) {
        free(blocks[i % 1000]);
        blocks[i % 1000] = malloc(i % 700);
    }
    return unused;
}

int main(void) {
    pthread_t thread;
    struct itimerval often = {{0, 200}, {0, 200}};
    signal(SIGALRM, on_tick);
    pthread_create(&thread, NULL, work, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    work(NULL);
    return 0;
}
