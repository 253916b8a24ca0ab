/* Shows that nothing is fixed in size: `scale mixed OPERATIONS LIVE`, `scale threads COUNT`, `scale
 * large COUNT BYTES`.
 *
 *   mixed    blocks of 16 to 1,040 bytes are replaced at random, LIVE of them at a time; resident
 *            memory after a fifth and at the end are the same to a tenth
 *   threads  COUNT threads at once, each with blocks of every class, which the main thread frees;
 *            twice, and the second time memory does not grow
 *   large    COUNT blocks of BYTES; every second is given back, which makes more holes than the
 *            kernel has areas for (vm.max_map_count), taken again, all given back;
 *            memory comes back
 *
 * hak_verify must find nothing on the way, where it can have memory, and at the end. Prints "held".
 */
#include "../tools/own_kib.h"
#include "hakmem.h"
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS_OF_THREAD = 60, MOST_THREADS = 20000, STACK_BYTES = 64 << 10 };

static void fail(const char *what, long found, long expected) {
    printf("%s: %ld, at most %ld were due\n", what, found, expected);
    fflush(stdout);
    _exit(1);
}

static void verify_heap(const char *when) {
    if (hak_verify && hak_verify() != 0)
        fail(when, 1, 0);
}

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* ---- mixed ----------------------------------------------------------------------------------- */

struct block {
    struct block *itself;
    size_t bytes;
    unsigned char rest[];
};

static void drop(struct block *block) {
    if (block && (block->itself != block || block->rest[block->bytes - 1] != block->bytes % 256))
        fail("a block has changed", 1, 0);
    free(block);
}

static void replace(struct block **place, uint64_t *state) {
    drop(*place);
    size_t bytes = 1 + next(state) % 1024;
    struct block *block = malloc(sizeof *block + bytes);
    if (!block)
        fail("blocks that could not be had", 1, 0);
    block->itself = block;
    block->bytes = bytes;
    block->rest[bytes - 1] = (unsigned char)(bytes % 256);
    *place = block;
}

static void run_mixed(long operations, long live) {
    struct block **table = calloc((size_t)live, sizeof *table);
    uint64_t state = 88172645463325252ull;
    long early_kib = 0;
    for (long i = 0; i < live; i++)
        replace(&table[i], &state);
    for (long i = 0; i < operations; i++) {
        replace(&table[next(&state) % (uint64_t)live], &state);
        if (i == operations / 5)
            early_kib = own_kib();
    }
    long late_kib = own_kib();
    verify_heap("disagreements with live blocks");
    if (late_kib * 10 > early_kib * 11)
        fail("KiB at the end", late_kib, early_kib * 11 / 10);
    for (long i = 0; i < live; i++)
        drop(table[i]);
    free(table);
}

/* ---- threads --------------------------------------------------------------------------------- */

static pthread_barrier_t together;
static void *(*given)[BLOCKS_OF_THREAD];

static void *hold(void *argument) {
    uint64_t state = (uintptr_t)argument * 0x9e3779b97f4a7c15ull + 1;
    for (int i = 0; i < BLOCKS_OF_THREAD; i++) {
        size_t bytes = 16 + next(&state) % (i % 10 ? 600 : 20000);
        given[(uintptr_t)argument][i] = memset(malloc(bytes), 1, bytes);
    }
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    return NULL;
}

static void run_threads_once(long count, pthread_t *ids) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    for (long i = 0; i < count; i++)
        if (pthread_create(&ids[i], &small, hold, (void *)i) != 0)
            fail("threads that could not be had", 1, 0);
    pthread_attr_destroy(&small);
    pthread_barrier_wait(&together);
    verify_heap("disagreements with all threads");
    for (long i = 0; i < count; i++)
        for (int j = 0; j < BLOCKS_OF_THREAD; j++)
            free(given[i][j]);
    pthread_barrier_wait(&together);
    for (long i = 0; i < count; i++)
        pthread_join(ids[i], NULL);
}

static void run_threads(long count) {
    pthread_t *ids = calloc((size_t)count, sizeof *ids);
    given = calloc((size_t)count, sizeof *given);
    if (count > MOST_THREADS || pthread_barrier_init(&together, NULL, (unsigned)count + 1) != 0)
        fail("threads", count, MOST_THREADS);
    run_threads_once(count, ids);
    long first_kib = own_kib();
    run_threads_once(count, ids);
    long second_kib = own_kib();
    if (second_kib * 10 > first_kib * 11 + 10240)
        fail("KiB the second time", second_kib, first_kib * 11 / 10 + 1024);
    free(ids);
    free(given);
}

/* ---- large ----------------------------------------------------------------------------------- */

static void take(char **blocks, long first, long step, long count, size_t bytes) {
    for (long i = first; i < count; i += step) {
        blocks[i] = malloc(bytes);
        if (!blocks[i])
            fail("blocks that could not be had, from number", i, count);
        *(long *)blocks[i] = i;
    }
}

static void give(char **blocks, long first, long step, long count) {
    for (long i = first; i < count; i += step) {
        if (*(long *)blocks[i] != i)
            fail("a block has changed", i, 0);
        free(blocks[i]);
    }
}

static void run_large(long count, size_t bytes) {
    char **blocks = calloc((size_t)count, sizeof *blocks);
    memset(blocks, 1, (size_t)count * sizeof *blocks);
    long before_kib = own_kib();
    take(blocks, 0, 1, count, bytes);
    give(blocks, 1, 2, count);
    take(blocks, 1, 2, count, bytes);
    give(blocks, 1, 2, count);
    give(blocks, 0, 2, count);
    verify_heap("disagreements without blocks");
    long after_kib = own_kib(), most_kib = before_kib * 11 / 10 + count / 8 + 16384;
    /* Tables stay: 128 bytes for each block that there was. */
    if (after_kib > most_kib)
        fail("KiB at the end", after_kib, most_kib);
    free(blocks);
}

int main(int count, char **arguments) {
    const char *what = count > 2 ? arguments[1] : "";
    if (strcmp(what, "mixed") == 0 && count == 4)
        run_mixed(atol(arguments[2]), atol(arguments[3]));
    else if (strcmp(what, "threads") == 0)
        run_threads(atol(arguments[2]));
    else if (strcmp(what, "large") == 0 && count == 4)
        run_large(atol(arguments[2]), (size_t)atol(arguments[3]));
    else
        return 2;
    verify_heap("disagreements at the end");
    puts("held");
    return 0;
}
