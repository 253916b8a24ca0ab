/* Loads that a recorder likes least: extremes grow|stacks|fragments|threads N, one thread but for
 * the last.
 *
 *   grow       one buffer, 16 bytes larger by each of N reallocs
 *   stacks     N pairs of malloc and free, each from another path of 20 calls
 *   fragments  N blocks of 16 to 2,900 bytes that are not written to; 15 of 16 are freed, and as
 *              many as are left come again in other sizes
 *   threads    N threads one after the other, each with 64 blocks of up to 2.3 KiB */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *volatile sink;

static void grow(unsigned long steps) {
    char *buffer = NULL;
    for (unsigned long i = 1; i <= steps; i++) {
        buffer = realloc(buffer, i * 16);
        buffer[i * 16 - 1] = 1;
    }
    free(buffer);
}

/* Each call goes to one of four functions, by two bits of the path. */
#define WAY(n)                                                                                     \
    __attribute__((noinline)) static void way_##n(unsigned depth, uint64_t path) {                 \
        descend(depth, path);                                                                      \
        __asm__ volatile("");                                                                      \
    }
static inline void descend(unsigned depth, uint64_t path);
WAY(0)
WAY(1)
WAY(2)
WAY(3)

static inline __attribute__((always_inline)) void descend(unsigned depth, uint64_t path) {
    if (depth == 0) {
        sink = malloc(24);
        free(sink);
        return;
    }
    switch (path & 3) {
    case 0:
        way_0(depth - 1, path >> 2);
        break;
    case 1:
        way_1(depth - 1, path >> 2);
        break;
    case 2:
        way_2(depth - 1, path >> 2);
        break;
    default:
        way_3(depth - 1, path >> 2);
    }
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void stacks(unsigned long count) {
    uint64_t state = 88172645463325252u;
    for (unsigned long i = 0; i < count; i++)
        way_0(19, next_random(&state));
}

static void fragments(unsigned long count) {
    uint64_t state = 88172645463325252u;
    void **blocks = calloc(count, sizeof *blocks);
    for (unsigned long i = 0; i < count; i++)
        blocks[i] = malloc(16 + next_random(&state) % 2885);
    for (unsigned long i = 0; i < count; i++)
        if (i % 16 != 0)
            free(blocks[i]);
    for (unsigned long i = 0; i < count / 16; i++)
        sink = malloc(16 + next_random(&state) % 2885);
}

static void *use_blocks(void *unused) {
    void *blocks[64];
    (void)unused;
    for (unsigned i = 0; i < 64; i++)
        blocks[i] = malloc(16 + i * 37);
    for (unsigned i = 0; i < 64; i++)
        free(blocks[i]);
    return NULL;
}

static void threads(unsigned long count) {
    for (unsigned long i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, use_blocks, NULL) == 0)
            pthread_join(thread, NULL);
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(unsigned long);
    } loads[] = {
        {"grow", grow}, {"stacks", stacks}, {"fragments", fragments}, {"threads", threads}};
    for (unsigned i = 0; argc == 3 && i < sizeof loads / sizeof *loads; i++)
        if (strcmp(argv[1], loads[i].name) == 0) {
            loads[i].run(strtoul(argv[2], NULL, 10));
            return 0;
        }
    fputs("usage: extremes grow|stacks|fragments|threads N\n", stderr);
    return 2;
}
