/* A thread that still runs when the process exits has written past the end of its block. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static int pipe_ends[2];

static void *worker(void *unused) {
    char *message = malloc(100);
    (void)unused;
    for (int i = 0; i <= 100; i++)
        message[i] = 0;
    if (write(pipe_ends[1], "", 1) != 1)
        return NULL;
    pause();
    return message;
}

int main(void) {
    pthread_t thread;
    char byte;
    if (pipe(pipe_ends) != 0 || pthread_create(&thread, NULL, worker, NULL) != 0)
        return 1;
    return read(pipe_ends[0], &byte, 1) != 1;
}
