/* A mix of a server's life: `server THREADS SECONDS [SEED]`.
 *
 * Workers serve requests of connections. A request parses a text into many small blocks, grows an
 * answer by realloc, and frees most of it in one of three orders; some goes into a cache that all
 * share and from which whoever comes later frees it; a connection's own blocks live for many
 * requests and are freed by the worker that happens to close it. Generations of blocks in steps of
 * sizes, as in a heap benchmark for SMP, are freed oldest first, newest first or at random, some by
 * other threads. A worker ends after some thousand requests, and another one begins.
 *
 * Every block is filled with bytes of its own and looked at from end to end before it is resized or
 * freed. At the end memory is compared with what it was after a fifth of the time. Prints
 * operations, and memory at both moments; status 1 when it grew by more than half. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../tools/own_kib.h"

enum {
    connections_count = 4096,
    cache_places = 8192,
    generation_blocks = 400,
    parts_max = 300,
    requests_of_worker = 3000,
    threads_max = 1024,
};

struct block {
    uint32_t bytes;
    uint32_t due; /* its bytes hold the low eight bits */
    unsigned char data[];
};

/* State of a connection from one request to the next. */
struct connection {
    atomic_flag busy;
    struct block *state[8];
    unsigned requests;
};

static struct connection connections[connections_count];
static _Atomic(struct block *) cache[cache_places];
static _Atomic uint64_t operations;
static atomic_bool stop;
static uint32_t seed = 1;

struct worker {
    uint32_t state;
    uint32_t made;
    uint64_t operations;
};

static uint32_t next_random(struct worker *w) {
    w->state ^= w->state << 13;
    w->state ^= w->state >> 17;
    return w->state ^= w->state << 5;
}

static void fail(const char *what, const struct block *block) {
    fprintf(stderr, "server: %s: a block of %u bytes\n", what, block ? block->bytes : 0);
    abort();
}

static void look_at(const struct block *block) {
    uint64_t due = (block->due & 0xff) * 0x0101010101010101ull, word;
    uint32_t at = 0;
    for (; at + 8 <= block->bytes; at += 8) {
        memcpy(&word, block->data + at, 8);
        if (word != due)
            fail("bytes changed", block);
    }
    for (; at < block->bytes; at++)
        if (block->data[at] != (unsigned char)due)
            fail("bytes changed", block);
}

static struct block *make(struct worker *w, uint32_t bytes) {
    struct block *block = malloc(sizeof *block + bytes);
    if (!block)
        fail("no memory", NULL);
    block->bytes = bytes;
    block->due = w->made++ * 2654435761u >> 13;
    memset(block->data, (int)(block->due & 0xff), bytes);
    w->operations++;
    return block;
}

static void drop(struct worker *w, struct block *block) {
    if (!block)
        return;
    look_at(block);
    free(block);
    w->operations++;
}

static struct block *grow(struct worker *w, struct block *block, uint32_t bytes) {
    look_at(block);
    uint32_t before = block->bytes;
    block = realloc(block, sizeof *block + bytes);
    if (!block)
        fail("no memory", NULL);
    block->bytes = before < bytes ? before : bytes;
    look_at(block);
    memset(block->data + block->bytes, (int)(block->due & 0xff), bytes - block->bytes);
    block->bytes = bytes;
    w->operations++;
    return block;
}

/* Mostly short words, some paths and rows, now and then a page. */
static uint32_t pick_bytes(struct worker *w) {
    uint32_t r = next_random(w);
    if (r % 64 == 0)
        return r >> 8 & 0x3fff;
    return r % 8 == 0 ? r >> 8 & 0x3ff : 1 + (r >> 8) % 120;
}

static void put_into_cache(struct worker *w, struct block *block) {
    drop(w, atomic_exchange(&cache[next_random(w) % cache_places], block));
}

static void drop_in_some_order(struct worker *w, struct block **blocks, unsigned count) {
    unsigned order = next_random(w) % 3;
    if (order == 2)
        for (unsigned i = count; i > 1; i--) {
            unsigned other = next_random(w) % i;
            struct block *block = blocks[i - 1];
            blocks[i - 1] = blocks[other];
            blocks[other] = block;
        }
    for (unsigned i = 0; i < count; i++) {
        struct block *block = blocks[order == 1 ? count - 1 - i : i];
        if (i % 50 == 49)
            put_into_cache(w, block);
        else
            drop(w, block);
    }
}

static void serve(struct worker *w) {
    struct connection *connection = &connections[next_random(w) % connections_count];
    if (atomic_flag_test_and_set(&connection->busy))
        return;
    struct block *parts[parts_max];
    unsigned count = 5 + next_random(w) % (parts_max - 5);
    struct block *answer = make(w, 64);
    for (unsigned i = 0; i < count; i++) {
        parts[i] = make(w, pick_bytes(w));
        if (i % 16 == 15)
            answer = grow(w, answer, answer->bytes + answer->bytes / 2);
    }
    answer = grow(w, answer, 100);
    struct block **state = &connection->state[next_random(w) % 8];
    drop(w, *state);
    *state = make(w, 20 + next_random(w) % 3000);
    if (++connection->requests % 40 == 0) /* closed; the next one with its number begins anew */
        for (int i = 0; i < 8; i++) {
            drop(w, connection->state[i]);
            connection->state[i] = NULL;
        }
    atomic_flag_clear(&connection->busy);
    drop_in_some_order(w, parts, count);
    put_into_cache(w, answer);
}

/* A generation of blocks of neighbouring sizes, with a few large ones. */
static void make_generation(struct worker *w) {
    struct block *blocks[generation_blocks];
    uint32_t bytes = 8 + next_random(w) % 900;
    for (unsigned i = 0; i < generation_blocks; i++)
        blocks[i] = make(w, bytes + i % 17 * 8);
    blocks[0] = grow(w, blocks[0], 40000 + next_random(w) % 200000);
    drop_in_some_order(w, blocks, generation_blocks);
}

static void *work(void *argument) {
    struct worker w = {.state = (uint32_t)(uintptr_t)argument * 2654435761u + seed};
    if (!w.state)
        w.state = 1;
    for (unsigned i = 0; i < requests_of_worker && !stop; i++) {
        if (i % 20 == 0)
            make_generation(&w);
        else
            serve(&w);
    }
    atomic_fetch_add(&operations, w.operations);
    return NULL;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    long threads = argc > 2 ? atol(argv[1]) : 0;
    double seconds = argc > 2 ? atof(argv[2]) : 0, start = now();
    if (threads < 1 || threads > threads_max || seconds <= 0) {
        fputs("usage: server THREADS SECONDS [SEED]\n", stderr);
        return 2;
    }
    if (argc > 3)
        seed = (uint32_t)atol(argv[3]);
    static pthread_t ids[threads_max];
    uintptr_t started = 0;
    for (long i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, work, (void *)++started) != 0)
            fail("no thread", NULL);
    long early_kib = 0;
    for (long i = 0; now() - start < seconds; i = (i + 1) % threads) {
        pthread_join(ids[i], NULL);
        if (pthread_create(&ids[i], NULL, work, (void *)++started) != 0)
            fail("no thread", NULL);
        if (!early_kib && now() - start > seconds / 5)
            early_kib = own_kib();
    }
    long late_kib = own_kib();
    stop = true;
    for (long i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    struct worker last = {.state = 1};
    for (int i = 0; i < cache_places; i++)
        drop(&last, atomic_exchange(&cache[i], NULL));
    for (int i = 0; i < connections_count; i++)
        for (int s = 0; s < 8; s++)
            drop(&last, connections[i].state[s]);
    printf("%.0f s, %ld threads at once, %lu in all, %.1f M operations, every block was whole; %ld "
           "KiB "
           "after a fifth, %ld KiB at the end\n",
           now() - start, threads, (unsigned long)started, (double)operations / 1e6, early_kib,
           late_kib);
    return early_kib && late_kib > early_kib + early_kib / 2;
}
