/* A server for `record -p`: main replaces the blocks of a ring for ever, and hands each old one to
 * a thread that frees it. Its first blocks are there before anybody records. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCKS = 5000, QUEUE = 64, REST_EVERY = 500 };

static char *ring[BLOCKS], *queue[QUEUE];
static unsigned put, taken;

static void *end_blocks(void *unused) {
    (void)unused;
    for (;;) {
        unsigned at = __atomic_load_n(&taken, __ATOMIC_RELAXED);
        if (at == __atomic_load_n(&put, __ATOMIC_ACQUIRE)) {
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
            continue;
        }
        free(queue[at % QUEUE]);
        __atomic_store_n(&taken, at + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

static char *make(unsigned i) {
    size_t bytes = 16 + i * 37 % 2000;
    char *block = malloc(bytes);
    memset(block, 1, bytes);
    return block;
}

int main(void) {
    pthread_t thread;
    for (unsigned i = 0; i < BLOCKS; i++)
        ring[i] = make(i);
    pthread_create(&thread, NULL, end_blocks, NULL);
    static const char ready[] = "ready\n";
    fwrite(ready, 1, sizeof ready - 1, stderr);
    for (unsigned i = 0;; i++) {
        while (put - __atomic_load_n(&taken, __ATOMIC_ACQUIRE) == QUEUE)
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        queue[put % QUEUE] = ring[i % BLOCKS];
        __atomic_store_n(&put, put + 1, __ATOMIC_RELEASE);
        ring[i % BLOCKS] = make(i);
        if (i % REST_EVERY == 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}
