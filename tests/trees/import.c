/* Programs that tests/trees/import.sh records where no collector is: import WHAT [N]. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) static void take_and_give(long times) {
    for (long i = 0; i < times; i++) {
        void *volatile block = malloc(16 + (size_t)(i & 127));
        free(block);
    }
}

__attribute__((noinline)) static void last_ones(void) {
    for (int i = 0; i < 10; i++) {
        void *volatile block = malloc(7777);
        free(block);
    }
}

static void *run_thread(void *times) {
    take_and_give(*(long *)times);
    return NULL;
}

/* Threads at the same time, or one after the other. */
static void threads(int count, int at_once, long times) {
    pthread_t thread[64];
    for (int i = 0; i < count; i++) {
        if (pthread_create(&thread[i % 64], NULL, run_thread, &times) != 0)
            abort();
        if (!at_once)
            pthread_join(thread[i % 64], NULL);
    }
    for (int i = 0; i < count && at_once; i++)
        pthread_join(thread[i], NULL);
}

static void children(long count, long times) {
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            take_and_give(times);
            exit(0);
        }
        waitpid(child, NULL, 0);
    }
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    long n = argc > 2 ? atol(argv[2]) : 1000;
    if (strcmp(what, "loads") == 0) { /* a library while the ring is nearly full */
        take_and_give(3700);
        if (!dlopen("libstdc++.so.6", RTLD_NOW))
            abort();
        take_and_give(5000);
    } else if (strcmp(what, "many") == 0)
        take_and_give(n);
    else if (strcmp(what, "threads") == 0)
        threads(8, 1, n);
    else if (strcmp(what, "short_threads") == 0)
        threads((int)n, 0, 20);
    else if (strcmp(what, "children") == 0)
        children(n, 50);
    else if (strcmp(what, "kill") == 0) {
        take_and_give(n);
        last_ones();
        kill(getpid(), SIGKILL);
    } else if (strcmp(what, "wait") == 0) {
        take_and_give(n);
        puts("ready");
        fflush(stdout);
        pause();
    } else if (strcmp(what, "fault") == 0) {
        char *volatile block = malloc(40);
        take_and_give(n);
        free(block);
        free(block);
    } else {
        return 2;
    }
    last_ones();
    return 0;
}
