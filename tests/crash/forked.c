/* A forked child of a program with threads crashes; its parent lives. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int done;

static void *work(void *unused) {
    while (!done)
        free(malloc(100));
    return unused;
}

static void crash(int *pointer) {
    *pointer = 1;
}

int main(void) {
    pthread_t thread;
    int status = 0;
    pthread_create(&thread, NULL, work, NULL);
    pid_t child = fork();
    if (child == 0)
        crash(NULL);
    waitpid(child, &status, 0);
    done = 1;
    pthread_join(thread, NULL);
    printf("the child ended by signal %d\n", WTERMSIG(status));
    return 0;
}
