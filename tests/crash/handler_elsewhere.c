/* A thread's handler sends the signal to the process, and the first thread gets it. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void on_fault(int number) {
    signal(number, SIG_DFL);
    kill(getpid(), number);
    for (;;)
        pause();
}

static int read_through(const int *pointer) {
    return *pointer;
}

static void *work(void *unused) {
    read_through(NULL);
    return unused;
}

int main(void) {
    pthread_t thread;
    signal(SIGSEGV, on_fault);
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    return 0;
}
