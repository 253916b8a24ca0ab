/* Allocation over threads for benches: `threads KIND NUMBER OPERATIONS`, nothing printed.
 *
 *   larson THREADS     each thread replaces blocks at random in a table, starts its own successor,
 *                      which goes on with that table, and ends (after Larson and Krishnan, ISMM
 *                      1998)
 *   exchange THREADS   threads replace blocks in one table that all share
 *   producer FLIGHT    one thread allocates, another frees, so many blocks on the way at most
 *   batches BYTES      one thread fills batches of 4,096 blocks, another frees them; up to 100 on
 *                      the way (as xmalloc-test does)
 *   handed THREADS     each thread keeps a third of its blocks to its end, frees others at random,
 *                      and changes some against those of others; 20 rounds (as mstress does)
 *   server THREADS     requests as of a server: a burst of mixed sizes, some of it kept, some
 *                      handed to the next thread, the rest freed in one of three orders (as
 *                      sh8bench does)
 *   short THREADS      so many threads at a time, each of which lives for 100 blocks; the main
 *                      thread frees half of them */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 64, TABLE = 1000, GENERATIONS = 40, SHARED_SLOTS = 4096, RING = 1 << 16 };

static long operations;
static long number;

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void *take(size_t bytes) {
    char *block = malloc(bytes);
    if (!block)
        abort();
    *(volatile char *)block = 1;
    return block;
}

static pthread_t start(void *(*work)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, argument) != 0)
        abort();
    return thread;
}

/* So many threads of the same work, their number as the argument; waits for all. */
static void run_all(void *(*work)(void *), long threads) {
    pthread_t started[MOST_THREADS];
    for (long i = 0; i < threads; i++)
        started[i] = start(work, (void *)i);
    for (long i = 0; i < threads; i++)
        pthread_join(started[i], NULL);
}

struct table {
    void *blocks[TABLE];
    uint32_t random;
    int generation;
};

static void *larson_life(void *argument) {
    struct table *table = argument;
    for (long i = 0; i < operations / number / GENERATIONS; i++) {
        void **block = &table->blocks[next_random(&table->random) % TABLE];
        free(*block);
        *block = take(16 + next_random(&table->random) % 500);
    }
    /* The successor is joined by nobody: this thread ends while the next one works. */
    if (++table->generation < GENERATIONS)
        return (void *)start(larson_life, table);
    return NULL;
}

static void *larson(void *seed) {
    static struct table tables[MOST_THREADS];
    struct table *table = &tables[(long)seed];
    table->random = (uint32_t)(long)seed + 11;
    void *next = (void *)start(larson_life, table);
    while (next)
        pthread_join((pthread_t)next, &next);
    for (int i = 0; i < TABLE; i++)
        free(table->blocks[i]);
    return NULL;
}

static _Atomic(void *) shared[SHARED_SLOTS];

static void *exchange(void *seed) {
    uint32_t state = (uint32_t)(long)seed + 11;
    for (long i = 0; i < operations / number; i++) {
        void *block = take(16 + next_random(&state) % 500);
        free(atomic_exchange(&shared[next_random(&state) % SHARED_SLOTS], block));
    }
    return NULL;
}

static _Atomic(void *) ring[RING];
static _Alignas(64) _Atomic long produced;
static _Alignas(64) _Atomic long consumed;

/* The other side may have no processor. */
static void wait_a_little(int *rounds) {
    __builtin_ia32_pause();
    if (++*rounds % 256 == 0)
        sched_yield();
}

static void *produce_or_consume(void *is_consumer) {
    uint32_t state = 7;
    for (long i = 0; i < operations; i++) {
        int rounds = 0;
        if (is_consumer) {
            while (i >= atomic_load_explicit(&produced, memory_order_acquire))
                wait_a_little(&rounds);
            free(atomic_load_explicit(&ring[i % RING], memory_order_relaxed));
            atomic_store_explicit(&consumed, i + 1, memory_order_release);
            continue;
        }
        while (i - atomic_load_explicit(&consumed, memory_order_acquire) >= number)
            wait_a_little(&rounds);
        void *block = take(16 + next_random(&state) % 500);
        atomic_store_explicit(&ring[i % RING], block, memory_order_relaxed);
        atomic_store_explicit(&produced, i + 1, memory_order_release);
    }
    return NULL;
}

enum { BATCH = 4096, MOST_BATCHES = 100, ROUNDS = 20 };

struct batch {
    struct batch *next;
    void *blocks[BATCH];
};

static pthread_mutex_t batches_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t batches_changed = PTHREAD_COND_INITIALIZER;
static struct batch *batches; /* the newest first */
static int batch_count;

static void hand_batch_over(struct batch *batch) {
    pthread_mutex_lock(&batches_lock);
    while (batch_count == MOST_BATCHES)
        pthread_cond_wait(&batches_changed, &batches_lock);
    batch->next = batches;
    batches = batch;
    batch_count++;
    pthread_cond_signal(&batches_changed);
    pthread_mutex_unlock(&batches_lock);
}

static struct batch *receive_batch(void) {
    pthread_mutex_lock(&batches_lock);
    while (!batches)
        pthread_cond_wait(&batches_changed, &batches_lock);
    struct batch *batch = batches;
    batches = batch->next;
    batch_count--;
    pthread_cond_signal(&batches_changed);
    pthread_mutex_unlock(&batches_lock);
    return batch;
}

static void *fill_or_free_batches(void *is_consumer) {
    for (long i = 0; i < operations / BATCH; i++) {
        struct batch *batch = is_consumer ? receive_batch() : take(sizeof *batch);
        for (int k = 0; k < BATCH; k++) {
            if (is_consumer)
                free(batch->blocks[k]);
            else
                batch->blocks[k] = memset(take((size_t)number), k, (size_t)number);
        }
        if (is_consumer)
            free(batch);
        else
            hand_batch_over(batch);
    }
    return NULL;
}

/* Powers of two of 8 bytes; one block in a hundred is a hundred times as large. */
static void *take_handed(uint32_t *state, unsigned sizes) {
    size_t bytes = (size_t)8 << next_random(state) % sizes;
    if (next_random(state) % 100 == 0)
        bytes *= 100;
    return memset(take(bytes), 1, bytes);
}

static void *hand_over(void *seed) {
    uint32_t state = (uint32_t)(long)seed + 43;
    long steps = operations / number / ROUNDS, kept = 0, held = 0;
    void **blocks = calloc((size_t)steps, sizeof *blocks);
    void **retained = calloc((size_t)steps, sizeof *retained);
    for (long i = 0; i < steps; i++) {
        if (next_random(&state) % 3 < 2)
            blocks[held++] = take_handed(&state, 5);
        else
            retained[kept++] = take_handed(&state, 7);
        if (held > 0 && next_random(&state) % 3 < 2) {
            void **block = &blocks[next_random(&state) % held];
            free(*block);
            *block = NULL;
        }
        if (held > 0 && next_random(&state) % 4 == 0) {
            void **block = &blocks[next_random(&state) % held];
            *block = atomic_exchange(&shared[next_random(&state) % SHARED_SLOTS], *block);
        }
    }
    for (long i = 0; i < kept; i++)
        free(retained[i]);
    for (long i = 0; i < held; i++)
        free(blocks[i]);
    free(retained);
    free(blocks);
    return NULL;
}

/* Four of five blocks are small, one in a hundred is large. */
static size_t request_bytes(uint32_t *state) {
    uint32_t die = next_random(state) % 100;
    if (die < 80)
        return 16 + next_random(state) % 112;
    if (die < 95)
        return 128 + next_random(state) % 1920;
    if (die < 99)
        return 2048 + next_random(state) % 14336;
    return 40000 + next_random(state) % 30000;
}

enum { BURST = 64, KEPT = 2048 };
static _Atomic(void *) handed[MOST_THREADS][BURST];

static void *server(void *place) {
    uint32_t state = (uint32_t)(long)place + 5;
    void **kept = calloc(KEPT, sizeof *kept);
    for (long request = 0; request < operations / number / BURST; request++) {
        void *blocks[BURST];
        for (int i = 0; i < BURST; i++)
            blocks[i] = take(request_bytes(&state));
        for (int i = 0; i < BURST; i += 8) {
            void **session = &kept[next_random(&state) % KEPT];
            free(*session);
            *session = blocks[i];
            blocks[i] = atomic_exchange(&handed[((long)place + 1) % number][i], blocks[i + 1]);
            blocks[i + 1] = NULL;
        }
        for (int i = 0; i < BURST; i++) {
            int order[] = {i, BURST - 1 - i, i * 27 % BURST};
            free(blocks[order[request % 3]]);
        }
    }
    for (int i = 0; i < KEPT; i++)
        free(kept[i]);
    free(kept);
    return NULL;
}

static void *short_life(void *unused) {
    (void)unused;
    void **blocks = take(100 * sizeof *blocks);
    for (int i = 0; i < 100; i++)
        blocks[i] = take(16 + (size_t)i * 8);
    for (int i = 0; i < 100; i += 2)
        free(blocks[i]);
    return blocks;
}

static void short_threads(void) {
    for (long done = 0; done < operations; done += number) {
        pthread_t threads[MOST_THREADS];
        for (long i = 0; i < number; i++)
            threads[i] = start(short_life, NULL);
        for (long i = 0; i < number; i++) {
            void *result;
            pthread_join(threads[i], &result);
            for (int k = 1; k < 100; k += 2)
                free(((void **)result)[k]);
            free(result);
        }
    }
}

int main(int argc, char **argv) {
    const char *kind = argc == 4 ? argv[1] : "";
    number = argc == 4 ? atol(argv[2]) : 0;
    operations = argc == 4 ? atol(argv[3]) : 0;
    int is_producer = strcmp(kind, "producer") == 0, is_batches = strcmp(kind, "batches") == 0;
    if (number < 1 || number > (is_producer || is_batches ? RING : MOST_THREADS))
        kind = "";
    if (is_producer && *kind)
        run_all(produce_or_consume, 2);
    else if (is_batches && *kind)
        run_all(fill_or_free_batches, 2);
    else if (strcmp(kind, "handed") == 0)
        for (int round = 0; round < ROUNDS; round++)
            run_all(hand_over, number);
    else if (strcmp(kind, "larson") == 0)
        run_all(larson, number);
    else if (strcmp(kind, "exchange") == 0)
        run_all(exchange, number);
    else if (strcmp(kind, "server") == 0)
        run_all(server, number);
    else if (strcmp(kind, "short") == 0)
        short_threads();
    else {
        fputs("usage: threads KIND NUMBER OPERATIONS\n", stderr);
        return 2;
    }
    return 0;
}
