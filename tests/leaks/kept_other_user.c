/* A program that gave up its rights: the kernel shows nobody its pages, nor lets anybody trace it.
 * Where it has none to give up it only asks not to be dumped. KEPT */
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "leaks.h"

static void *volatile held[1000];
static volatile int ready;

static void *sleep_for_ever(void *unused) {
    (void)unused;
    char *volatile block = take(70);
    ready = 1;
    for (;;)
        pause();
    return block;
}

int main(void) {
    pthread_t thread;
    prctl(PR_SET_DUMPABLE, 0);
    if (pthread_create(&thread, NULL, sleep_for_ever, NULL) != 0)
        return 2;
    while (!ready)
        usleep(1000);
    for (size_t i = 0; i < 1000; i++)
        held[i] = take(i + 1);
    forget_frames();
    return 0;
}
