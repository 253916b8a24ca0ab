/* The first thread has ended by pthread_exit; another one ends the process. KEPT */
#include <pthread.h>
#include <unistd.h>
#include "leaks.h"

static void *volatile held;

static void *work(void *unused) {
    (void)unused;
    char *volatile block = take(40);
    held = take(50);
    usleep(100000);
    use(block);
    exit(0);
}

int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        return 2;
    pthread_exit(NULL);
}
