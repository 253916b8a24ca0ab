/* A server-like mix of sizes over threads, every block's bytes verified: `stress THREADS OPERATIONS
 * [SEED]`.
 *
 * Each thread keeps blocks of its own and hands every eighth to a mailbox where another thread
 * frees it. A block is filled with a pattern of its own number when it is made, and looked at from
 * end to end when it is resized or freed, so that two owners of one byte are noticed. Prints one
 * line. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kept = 512, mail_slots = 256 };

struct block {
    size_t bytes;
    uint32_t number;
    unsigned char data[];
};

static _Atomic(struct block *) mail[mail_slots];
static long operations;
static uint32_t seed = 1;

static uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* Mostly small, some to 4 KiB, a few to 64 KiB, now and then one of 2 MiB. */
static size_t pick_bytes(uint32_t *state) {
    uint32_t r = next_random(state);
    switch (r & 63) {
    case 0:
        return 1 + (r >> 6) % ((r >> 30) == 3 ? 2u << 20 : 64u << 10);
    case 1 ... 8:
        return 1 + (r >> 6) % 4096;
    default:
        return 1 + (r >> 6) % 300;
    }
}

static void fail(const char *what, const struct block *block) {
    fprintf(stderr, "stress: %s: block %u of %zu bytes\n", what, block->number, block->bytes);
    abort();
}

static void fill(struct block *block, size_t from, size_t bytes) {
    memset(block->data + from, (int)(block->number & 0xff), bytes - from);
    block->bytes = bytes;
}

/* By libc's memcmp: this program is compiled without optimising. */
static bool holds_only(const unsigned char *data, size_t bytes, unsigned char due) {
    return bytes == 0 || (data[0] == due && memcmp(data, data + 1, bytes - 1) == 0);
}

static void verify(const struct block *block) {
    if (!holds_only(block->data, block->bytes, block->number & 0xff))
        fail("bytes changed", block);
}

static struct block *make(uint32_t *state) {
    size_t bytes = pick_bytes(state), total = sizeof(struct block) + bytes;
    struct block *block;
    uint32_t how = next_random(state) & 31;
    if (how == 0) {
        size_t alignment = (size_t)16 << next_random(state) % 9;
        if (posix_memalign((void **)&block, alignment, total) != 0)
            abort();
        if ((uintptr_t)block % alignment)
            fail("not aligned", block);
    } else if (how < 4) {
        block = calloc(1, total);
        if (block && !holds_only(block->data, bytes, 0))
            fail("calloc gave bytes that are not zero", block);
    } else {
        block = malloc(total);
    }
    if (!block || (uintptr_t)block % 16 || malloc_usable_size(block) < total)
        abort();
    block->number = next_random(state);
    fill(block, 0, bytes);
    return block;
}

static void drop(struct block *block) {
    if (!block)
        return;
    verify(block);
    errno = 77;
    free(block);
    if (errno != 77)
        abort();
}

static void *work(void *number) {
    uint32_t state = seed * 2654435761u + (uint32_t)(uintptr_t)number * 40503u + 1;
    struct block *mine[kept] = {0};
    for (long i = 0; i < operations; i++) {
        struct block **block = &mine[next_random(&state) % kept];
        if (*block && (next_random(&state) & 15) == 0) {
            size_t bytes = pick_bytes(&state), old = (*block)->bytes;
            verify(*block);
            *block = realloc(*block, sizeof **block + bytes);
            if (!*block)
                abort();
            (*block)->bytes = old < bytes ? old : bytes;
            verify(*block);
            fill(*block, (*block)->bytes, bytes);
        } else if (*block && (i & 7) == 0) {
            drop(atomic_exchange(&mail[next_random(&state) % mail_slots], *block));
            *block = NULL;
        } else {
            drop(*block);
            *block = make(&state);
        }
    }
    for (int i = 0; i < kept; i++)
        drop(mine[i]);
    return NULL;
}

int main(int argc, char **argv) {
    long threads = argc > 2 ? atol(argv[1]) : 0;
    if (threads < 1 || threads > 1024) {
        fputs("usage: stress THREADS OPERATIONS [SEED]\n", stderr);
        return 2;
    }
    operations = atol(argv[2]) / threads;
    if (argc > 3)
        seed = (uint32_t)atol(argv[3]);
    pthread_t *ids = calloc((size_t)threads, sizeof *ids);
    for (long i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, work, (void *)i) != 0)
            abort();
    for (long i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    for (int i = 0; i < mail_slots; i++)
        drop(atomic_exchange(&mail[i], NULL));
    free(ids);
    puts("every block was whole");
    return 0;
}
