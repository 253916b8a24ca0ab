/* A fork that comes while another thread takes, resizes or gives back a block: at each STEP-th
 * instruction of a realloc, and each 8 * STEP-th of the other calls, as the processor's single step
 * lets it, a second thread forks; the child looks at the whole heap, and takes blocks of its own,
 * for which what the thread left is taken over.
 * `stepped_calls STEP`. Prints "N forks", or what went wrong. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "hakmem.h"

static sem_t due, done;
static unsigned every, steps, forks, wrong;
static bool is_over;

static void step(bool on) {
    if (on)
        __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
    else
        __asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
}

static void wait_for(sem_t *semaphore) {
    while (sem_wait(semaphore) != 0)
        continue;
}

static const size_t sizes[] = {100, 3000, 40000, 300000, 3000000};
enum { SIZES = sizeof sizes / sizeof *sizes };

static bool takes_blocks(void) {
    for (int i = 0; i < SIZES; i++) {
        char *block = malloc(sizes[i] * 4 / 3);
        if (!block)
            return false;
        free(block);
    }
    return hak_verify() == 0;
}

static void *fork_when_due(void *nothing) {
    for (wait_for(&due); !is_over; wait_for(&due)) {
        int status = 0;
        pid_t child = fork();
        if (child == 0)
            _exit(hak_verify() == 0 && takes_blocks() ? 0 : 1);
        wrong += child < 0 || waitpid(child, &status, 0) != child || status != 0;
        forks++;
        sem_post(&done);
    }
    return nothing;
}

static void interrupt(int number) {
    (void)number;
    if (++steps % every == 0) {
        sem_post(&due);
        wait_for(&done);
    }
}

/* One place of the program, so that its stack is known before it is stepped through. */
static __attribute__((noinline)) char *resize(char *block, size_t bytes, bool is_stepped) {
    step(is_stepped);
    char *moved = realloc(block, bytes);
    step(false);
    if (!moved)
        exit(3);
    return memset(moved, 'x', bytes);
}

/* Two of each size, so that the thread's caches have the newest one and another. */
static __attribute__((noinline)) void use(bool is_stepped) {
    for (int i = 0; i < SIZES; i++) {
        step(is_stepped);
        char *volatile first = malloc(sizes[i]);
        char *volatile second = malloc(sizes[i]);
        free(first);
        free(second);
        step(false);
    }
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = interrupt};
    pthread_t thread;
    every = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    sem_init(&due, 0, 0);
    sem_init(&done, 0, 0);
    if (every == 0 || pthread_create(&thread, NULL, fork_when_due, NULL) != 0 ||
        sigaction(SIGTRAP, &action, NULL) != 0)
        return 2;
    char *block = malloc(50000);
    for (int is_stepped = 0; is_stepped <= 1; is_stepped++) {
        block = resize(block, 50000, false);
        block = resize(block, 111906, false); /* has addresses behind it from now on */
        block = resize(block, 118000, is_stepped);
        block = resize(block, 100000, is_stepped);
    }
    free(block);
    every *= 8; /* more calls, and longer ones */
    for (int is_stepped = 0; is_stepped <= 1; is_stepped++)
        use(is_stepped);
    is_over = true;
    sem_post(&due);
    pthread_join(thread, NULL);
    if (wrong)
        printf("%u of ", wrong);
    printf("%u forks\n", forks);
    return wrong != 0;
}
