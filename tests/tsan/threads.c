/* `threads OPERATIONS [unordered]`: threads that allocate, free each other's blocks, end, begin and
 * trim, on the layers without entry/, all compiled for the thread sanitizer. With `unordered` they
 * hand blocks over without an order: a race of the program's own, which must be reported. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "route/route.h"

enum { THREADS = 4, SLOTS = 64, LIVES = 4 };

extern char **environ;

static _Atomic(char *) slots[SLOTS]; /* where blocks change hands */
static unsigned operations;
static memory_order handing_over = memory_order_acq_rel;

/* ---- the kernel ------------------------------------------------------------------------------ */

/* System calls that give addresses away and hand them out come one after the other; the sanitizer
 * does not see those that hakmem makes. The Makefile puts these around them (--wrap). */
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char kernel;

#define FROM_KERNEL(type, name, parameters, arguments)                                             \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        type result = __real_##name arguments;                                                     \
        __tsan_acquire(&kernel);                                                                   \
        return result;                                                                             \
    }
#define TO_KERNEL(type, name, parameters, arguments)                                               \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        __tsan_release(&kernel);                                                                   \
        return __real_##name arguments;                                                            \
    }

FROM_KERNEL(void *, hak_map, (size_t bytes), (bytes))
FROM_KERNEL(void *, hak_map_aligned, (size_t bytes, size_t alignment), (bytes, alignment))
FROM_KERNEL(void *, hak_hold, (size_t bytes, size_t alignment), (bytes, alignment))
FROM_KERNEL(void *, hak_reserve, (size_t bytes), (bytes))
TO_KERNEL(bool, hak_unmap, (void *start, size_t bytes), (start, bytes))

/* ---- the program ----------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t choose_bytes(uint64_t *random) {
    uint64_t r = next_random(random);
    if (r % 64 == 0)
        return 33000 + r / 64 % 200000;
    if (r % 8 == 0)
        return 1024 + r / 64 % 31000;
    return 16 + r / 64 % 1008;
}

/* A block knows itself and its size, so that one in two hands is seen. */
static char *take(uint64_t *random) {
    size_t bytes = choose_bytes(random);
    char *block = hak_route_take(bytes, next_random(random) % 32 ? 0 : 64, NULL).base.p;
    if (!block)
        abort();
    *(char **)(void *)block = block;
    memcpy(block + bytes - sizeof bytes, &bytes, sizeof bytes);
    return block;
}

static void give(char *block) {
    char **self = (char **)(void *)block;
    if (*self != block) {
        fprintf(stderr, "block %p was in two hands\n", (void *)block);
        abort();
    }
    *self = NULL;
    if (!hak_route_give(base_from(block), HAK_FREE)) {
        fprintf(stderr, "block %p is not known\n", (void *)block);
        abort();
    }
}

static void *live(void *seed) {
    uint64_t random = 0x9e3779b97f4a7c15u * ((uintptr_t)seed + 1);
    char *own[32] = {0};
    hak_front_start();
    for (unsigned i = 0; i < operations; i++) {
        uint64_t r = next_random(&random);
        char **place = &own[r % 32];
        if (*place)
            give(*place);
        *place = take(&random);
        if (r / 32 % 4 == 0) {
            *place = atomic_exchange_explicit(&slots[r / 128 % SLOTS], *place, handing_over);
        } else if (r / 32 % 4 == 1) {
            give(*place);
            *place = NULL;
        }
        if (r / 8192 % 2048 == 0)
            (void)hak_route_trim();
    }
    for (unsigned i = 0; i < 32; i++)
        if (own[i])
            give(own[i]);
    hak_front_end();
    return NULL;
}

/* One after the other, so that heaps get idle and are adopted while others are at work. */
static void *live_often(void *seed) {
    for (uintptr_t i = 0; i < LIVES; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, live, (void *)((uintptr_t)seed * LIVES + i)))
            abort();
        pthread_join(thread, NULL);
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    if (argc < 2)
        return 2;
    operations = (unsigned)strtoul(argv[1], NULL, 10);
    if (argc > 2 && strcmp(argv[2], "unordered") == 0)
        handing_over = memory_order_relaxed;
    hak_options_read(environ);
    hak_registry_start(true);
    hak_front_start(); /* what the process has one of is made by its first thread */
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, live_often, (void *)i))
            abort();
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[i])
            give(slots[i]);
    hak_front_end();
    (void)hak_route_trim();
    puts("came to the end");
    return 0;
}
