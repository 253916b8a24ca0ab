/* Threads that all live at once hand blocks to each other and write down what they call:
 * `own_log THREADS CALLS FILE`.
 *
 * A thread takes what lies in one of the slots, and frees it, resizes it and puts it back, or puts
 * a new block where none was. FILE is an array of struct call, CALLS for each thread: what
 * own_log.py compares with a store. Prints one line. */
#include "all_live.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { slots = 512 };

struct call {
    uint64_t tid, before, after, size; /* addresses; 0 = none */
};

static _Atomic(void *) slot[slots];
static struct call *own;
static size_t calls;

static uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* Mostly small, some up to 64 KiB. */
static size_t pick_bytes(uint32_t r) {
    return 1 + (r >> 8) % (r % 64 == 0 ? 65536 : r % 64 < 8 ? 4096 : 300);
}

static void *work(void *context) {
    struct call *call = own + (size_t)context * calls;
    uint64_t tid = (uint64_t)syscall(SYS_gettid);
    uint32_t state = (uint32_t)(call - own) * 2654435761u + 1;
    pthread_barrier_wait(&all_live);
    for (size_t i = 0; i < calls; i++, call++) {
        uint32_t r = next_random(&state);
        _Atomic(void *) *at = &slot[r % slots];
        size_t bytes = pick_bytes(next_random(&state));
        void *before = atomic_exchange(at, NULL), *after = NULL;
        *call = (struct call){.tid = tid, .before = (uintptr_t)before};
        if (before && r >> 30)
            free(before);
        else
            after = before ? realloc(before, bytes) : malloc(bytes);
        if (!after)
            continue;
        memset(after, (int)r, bytes);
        call->after = (uintptr_t)after;
        call->size = bytes;
        while (after && (after = atomic_exchange(at, after)) != NULL)
            at = &slot[next_random(&state) % slots]; /* another thread put one there meanwhile */
    }
    pthread_barrier_wait(&all_live);
    return NULL;
}

int main(int argc, char **argv) {
    long threads = argc == 4 ? atol(argv[1]) : 0;
    calls = argc == 4 ? (size_t)atol(argv[2]) : 0;
    if (threads < 1 || threads > threads_max || calls < 1) {
        fputs("usage: own_log THREADS CALLS FILE\n", stderr);
        return 2;
    }
    size_t bytes = (size_t)threads * calls * sizeof *own;
    int file = open(argv[3], O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || ftruncate(file, (off_t)bytes) != 0)
        abort();
    own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (own == MAP_FAILED)
        abort();
    run_all_live(threads, work);
    puts("all threads are done");
    return 0;
}
