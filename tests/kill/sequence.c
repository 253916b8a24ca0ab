/* Allocates in a sequence that can be checked: block k of a thread has 2,048 + k mod 1,000 bytes.
 *
 * `sequence FILE SECONDS THREADS PAUSE_US [fork]`. FILE is mapped shared; word t holds how many
 * blocks thread t has been given, written after each malloc, so that it is there after kill -9. The
 * first word holds the program's pid once all is set up. With `fork` the last thread's sequence
 * runs in a child. A thread pauses for PAUSE_US after each 1,024 blocks. The program ends when word
 * 100 is set or after SECONDS, prints "done" and the counts, and exits with status 0. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kept = 64, stop_word = 100 };
static _Atomic unsigned long *words;
static double seconds;
static useconds_t pause_us;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *allocate(void *number) {
    unsigned long thread = (unsigned long)number;
    char *blocks[kept] = {0};
    double end = now() + seconds;
    for (unsigned long k = 0; (k & 1023) != 0 || (now() < end && words[stop_word] == 0); k++) {
        char **block = &blocks[k % kept];
        free(*block);
        size_t bytes = 2048 + k % 1000;
        *block = malloc(bytes);
        if (!*block)
            abort();
        memset(*block, (int)thread, bytes);
        atomic_store_explicit(&words[thread], k + 1, memory_order_release);
        if ((k & 1023) == 1023 && pause_us)
            usleep(pause_us);
    }
    for (int i = 0; i < kept; i++)
        free(blocks[i]);
    return NULL;
}

int main(int argc, char **argv) {
    int file = argc >= 5 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
    if (file < 0 || ftruncate(file, 4096) != 0) {
        fputs("usage: sequence FILE SECONDS THREADS PAUSE_US [fork]\n", stderr);
        return 2;
    }
    words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    seconds = atof(argv[2]);
    unsigned long threads = strtoul(argv[3], NULL, 10);
    pause_us = (useconds_t)atol(argv[4]);
    int forks = argc > 5 && strcmp(argv[5], "fork") == 0;
    pthread_t ids[64];
    atomic_store(&words[0], (unsigned long)getpid());
    pid_t child = forks ? fork() : -1;
    if (child == 0) {
        allocate((void *)threads);
        _exit(0);
    }
    for (unsigned long t = 1; t <= threads - (unsigned long)forks; t++)
        pthread_create(&ids[t], NULL, allocate, (void *)t);
    for (unsigned long t = 1; t <= threads - (unsigned long)forks; t++)
        pthread_join(ids[t], NULL);
    int status = 0;
    if (child > 0 && (waitpid(child, &status, 0) != child || status != 0))
        return 1;
    printf("done");
    for (unsigned long t = 1; t <= threads; t++)
        printf(" %lu", atomic_load(&words[t]));
    printf("\n");
    return 0;
}
