/* A bit of all that a capture can hold: blocks that one thread gives to another, a leak, short and
 * long lives, a child that is killed, a double free. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *volatile handed[50];
static void *volatile kept[100];

__attribute__((noinline)) static void *make_row(size_t size) {
    return malloc(size);
}

__attribute__((noinline)) static void forget_rows(void) {
    for (int i = 0; i < 7; i++)
        *(volatile char *)make_row(300) = 1;
}

__attribute__((noinline)) static void *give_back(void *nothing) {
    for (int i = 0; i < 50; i++)
        free(handed[i]);
    return nothing;
}

__attribute__((noinline)) static void look_shortly(void) {
    for (int i = 0; i < 200; i++) {
        void *volatile row = malloc(40);
        free(row);
    }
}

int main(void) {
    pthread_t thread;
    struct timespec second = {1, 300000000};
    for (int i = 0; i < 50; i++)
        handed[i] = make_row(100);
    pthread_create(&thread, NULL, give_back, NULL);
    pthread_join(thread, NULL);
    look_shortly();
    forget_rows();
    nanosleep(&second, NULL); /* a second sample of the memory */
    for (int i = 0; i < 100; i++)
        kept[i] = make_row(2000);
    pid_t child = fork();
    if (child == 0) {
        kept[0] = make_row(10);
        raise(SIGKILL);
    }
    waitpid(child, NULL, 0);
    for (int i = 1; i < 90; i++)
        free(kept[i]);
    free(kept[1]);
    return 0;
}
