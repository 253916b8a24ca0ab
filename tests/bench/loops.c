/* Allocation loops for benches: `loops KIND OPERATIONS`, one kind of work each, nothing printed.
 *
 *   random256, random8192   sizes 16..1040, that many blocks live, one replaced each time
 *   fixed64, fixed4096      a block taken and given back
 *   larson                  two threads replace blocks that the other one allocated
 *   producer                one thread allocates, another frees
 *   calloc                  zeroed blocks of 16..4112 bytes */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long operations;

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void touch(char *block) {
    if (!block)
        abort();
    *(volatile char *)block = 1;
}

static void random_sizes(size_t live, size_t low, size_t span, int zeroed) {
    char **blocks = calloc(live, sizeof *blocks);
    uint32_t state = 42;
    for (long i = 0; i < operations; i++) {
        char **block = &blocks[next_random(&state) % live];
        size_t bytes = low + next_random(&state) % span;
        free(*block);
        *block = zeroed ? calloc(1, bytes) : malloc(bytes);
        touch(*block);
    }
    for (size_t i = 0; i < live; i++)
        free(blocks[i]);
    free(blocks);
}

static void fixed(size_t bytes) {
    for (long i = 0; i < operations; i++) {
        char *volatile block = malloc(bytes);
        touch(block);
        free(block);
    }
}

enum { shared_slots = 4096 };
static _Atomic(char *) shared[shared_slots];

static void *larson(void *seed) {
    uint32_t state = (uint32_t)(uintptr_t)seed;
    for (long i = 0; i < operations / 2; i++) {
        char *block = malloc(16 + next_random(&state) % 500);
        touch(block);
        free(atomic_exchange(&shared[next_random(&state) % shared_slots], block));
    }
    return NULL;
}

static _Atomic long produced, consumed;

static void *produce(void *unused) {
    uint32_t state = 7;
    for (long i = 0; i < operations; i++) {
        while (i - atomic_load_explicit(&consumed, memory_order_acquire) >= shared_slots)
            __builtin_ia32_pause();
        char *block = malloc(16 + next_random(&state) % 500);
        touch(block);
        atomic_store_explicit(&shared[i % shared_slots], block, memory_order_relaxed);
        atomic_store_explicit(&produced, i + 1, memory_order_release);
    }
    return unused;
}

static void *consume(void *unused) {
    for (long i = 0; i < operations; i++) {
        while (i >= atomic_load_explicit(&produced, memory_order_acquire))
            __builtin_ia32_pause();
        free(atomic_load_explicit(&shared[i % shared_slots], memory_order_relaxed));
        atomic_store_explicit(&consumed, i + 1, memory_order_release);
    }
    return unused;
}

static void two_threads(void *(*first)(void *), void *(*second)(void *)) {
    pthread_t other;
    if (pthread_create(&other, NULL, first, (void *)11) != 0)
        abort();
    second((void *)23);
    pthread_join(other, NULL);
}

int main(int argc, char **argv) {
    const char *kind = argc == 3 ? argv[1] : "";
    operations = argc == 3 ? atol(argv[2]) : 0;
    if (strcmp(kind, "random256") == 0)
        random_sizes(256, 16, 1025, 0);
    else if (strcmp(kind, "random8192") == 0)
        random_sizes(8192, 16, 1025, 0);
    else if (strcmp(kind, "fixed64") == 0)
        fixed(64);
    else if (strcmp(kind, "fixed4096") == 0)
        fixed(4096);
    else if (strcmp(kind, "larson") == 0)
        two_threads(larson, larson);
    else if (strcmp(kind, "producer") == 0)
        two_threads(produce, consume);
    else if (strcmp(kind, "calloc") == 0)
        random_sizes(1024, 16, 4097, 1);
    else {
        fputs("usage: loops KIND OPERATIONS\n", stderr);
        return 2;
    }
    return 0;
}
