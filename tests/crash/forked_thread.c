/* A thread forks, and the child, whose main thread it is, dies. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept;

static void *work(void *status) {
    kept = malloc(100);
    pid_t child = fork();
    if (child == 0)
        *(volatile int *)16 = 0;
    waitpid(child, status, 0);
    return NULL;
}

int main(void) {
    pthread_t thread;
    int status = 0;
    pthread_create(&thread, NULL, work, &status);
    pthread_join(thread, NULL);
    printf("the child ended by signal %d\n", WTERMSIG(status));
    return 0;
}
