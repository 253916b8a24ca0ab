/* A burst on top of what a server has live: `return HOW THREADS BASE_MIB BURST_MIB`.
 *
 * Takes BASE_MIB of blocks that stay, lets THREADS threads serve small requests, and then take
 * BURST_MIB in all and give it back in another order. HOW it goes on:
 *   end     the threads end; nothing else is done
 *   idle    the threads stay and wait; the main thread goes on with small requests
 *   calls   each thread goes on with small requests
 *   trim    the threads end, then malloc_trim
 * Prints "before MAPPED RESIDENT peak MAPPED RESIDENT after MAPPED RESIDENT", in KiB, as soon as
 * both are within a tenth of before, or after 150 looks. MAPPED leaves out what was mapped at the
 * start of main, address space for tables. hak_verify must find nothing at these three times. */
#include "../tools/own_kib.h"
#include "hakmem.h"
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_THREADS = 64, LOOKS = 150, CALLS_A_LOOK = 20, REQUESTS_BEFORE = 30 };

struct block {
    struct block *next;
    char rest[];
};

static long mapped_at_start;
static _Atomic int stage;
static pthread_barrier_t together;
static size_t burst_bytes;
static const char *how;

static size_t pick(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    uint64_t r = *state >> 11;
    switch (r % 64) {
    case 0:
        return 16 + (r >> 6) % 500000;
    case 1 ... 6:
        return 16 + (r >> 6) % 30000;
    default:
        return 16 + (r >> 6) % 1200;
    }
}

/* `bytes` bytes of blocks in eight chains, block by block in turn. */
static void take(struct block **chains, size_t bytes, uint64_t *state) {
    for (size_t taken = 0, i = 0; taken < bytes; i++) {
        size_t size = pick(state);
        struct block *block = malloc(size);
        if (!block)
            abort();
        memset(block, 1, size);
        block->next = chains[i % 8];
        chains[i % 8] = block;
        taken += size;
    }
}

static void give(struct block **chains) {
    for (int i = 0; i < 8; i++)
        while (chains[i]) {
            struct block *next = chains[i]->next;
            free(chains[i]);
            chains[i] = next;
        }
}

/* A request of a server: some thousand small blocks are taken, then given back. */
static void make_small_calls(uint64_t *state) {
    void *blocks[3000];
    for (int i = 0; i < 3000; i++)
        blocks[i] = malloc(pick(state) % 1200);
    for (int i = 0; i < 3000; i++)
        free(blocks[i]);
    usleep(1000);
}

static void *work(void *argument) {
    uint64_t state = 0x9e3779b97f4a7c15ull * ((uintptr_t)argument + 1);
    struct block *chains[8] = {NULL};
    for (int i = 0; i < REQUESTS_BEFORE; i++)
        make_small_calls(&state);
    pthread_barrier_wait(&together); /* before is looked at */
    pthread_barrier_wait(&together);
    take(chains, burst_bytes, &state);
    pthread_barrier_wait(&together); /* the peak is looked at */
    pthread_barrier_wait(&together);
    give(chains);
    pthread_barrier_wait(&together);
    while (stage == 0 && strcmp(how, "calls") == 0)
        make_small_calls(&state);
    while (stage == 0 && strcmp(how, "idle") == 0)
        usleep(1000);
    return NULL;
}

static void measure(long *mapped, long *resident) {
    *mapped = own_mapped_kib() - mapped_at_start;
    *resident = own_kib();
    if (hak_verify && stage != 0 && hak_verify() != 0)
        _exit(3);
}

static void start(pthread_t *threads, long count) {
    for (long i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            abort();
}

static void join(const pthread_t *threads, long count) {
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* Both are within a tenth of what they were. */
static int is_back(const long *before, const long *now) {
    return now[0] * 10 <= before[0] * 11 && now[1] * 10 <= before[1] * 11;
}

int main(int count, char **arguments) {
    pthread_t threads[MAX_THREADS];
    long before[2], peak[2], after[2];
    struct block *base[8] = {NULL};
    uint64_t state = 42;
    if (count != 5)
        return 2;
    how = arguments[1];
    long thread_count = atol(arguments[2]);
    burst_bytes = ((size_t)atol(arguments[4]) << 20) / (size_t)thread_count;
    mapped_at_start = own_mapped_kib();
    pthread_barrier_init(&together, NULL, (unsigned)thread_count + 1);
    take(base, (size_t)atol(arguments[3]) << 20, &state);
    start(threads, thread_count);
    pthread_barrier_wait(&together);
    measure(&before[0], &before[1]);
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    measure(&peak[0], &peak[1]);
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    if (strcmp(how, "end") == 0 || strcmp(how, "trim") == 0)
        join(threads, thread_count);
    if (strcmp(how, "trim") == 0)
        (void)malloc_trim(0);
    for (int look = 0; look < LOOKS; look++) {
        measure(&after[0], &after[1]);
        if (is_back(before, after))
            break;
        for (int i = 0; i < CALLS_A_LOOK; i++)
            make_small_calls(&state);
    }
    if (strcmp(how, "idle") == 0 || strcmp(how, "calls") == 0) {
        stage = 1;
        join(threads, thread_count);
    }
    stage = 1;
    long mapped, resident;
    measure(&mapped, &resident);
    printf("before %ld %ld peak %ld %ld after %ld %ld\n", before[0], before[1], peak[0], peak[1],
           after[0], after[1]);
    give(base);
    return is_back(before, after) ? 0 : 1;
}
