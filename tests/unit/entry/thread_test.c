/* Threads as a program sees them: blocks that change hands, threads that come and go, small stacks,
 * frees in the last destructors. Runs on any allocator (preload_test.sh). */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "unit/suite.h"

static atomic_int wrong;

struct block {
    struct block *self;
    size_t bytes;
};

static struct block *make(size_t bytes) {
    struct block *block = malloc(bytes + sizeof *block);
    block->self = block;
    block->bytes = bytes;
    memset(block + 1, (int)(bytes % 250), bytes);
    return block;
}

static void check_and_free(struct block *block) {
    const unsigned char *first = (const unsigned char *)(block + 1);
    if (block->self != block || (block->bytes && (first[0] != block->bytes % 250 ||
                                                  first[block->bytes - 1] != block->bytes % 250)))
        wrong++;
    block->self = NULL;
    free(block);
}

enum { PLACES = 256 };
static _Atomic(struct block *) places[PLACES];

static void *pass_blocks(void *seed) {
    uint64_t random = 88172645463325252ull + (uintptr_t)seed * 31337;
    for (int i = 0, passes = is_quick() ? 10000 : 40000; i < passes; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        struct block *mine = make(i % 1000 ? random % 1500 : random % 90000);
        struct block *other = atomic_exchange(&places[random >> 32 & (PLACES - 1)], mine);
        if (other)
            check_and_free(other);
    }
    return NULL;
}

static void run_threads(int count, void *(*function)(void *), const pthread_attr_t *attributes) {
    pthread_t threads[64];
    for (uintptr_t i = 0; i < (uintptr_t)count; i++)
        ck_assert_int_eq(pthread_create(&threads[i], attributes, function, (void *)(i + 1)), 0);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(wrong, 0);
}

TEST(blocks_change_hands) {
    run_threads(8, pass_blocks, NULL);
    for (int i = 0; i < PLACES; i++)
        if (places[i])
            check_and_free(places[i]);
    ck_assert_int_eq(wrong, 0);
}

static long resident_pages(void) {
    char text[64];
    int file = open("/proc/self/statm", O_RDONLY);
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    text[length > 0 ? length : 0] = 0;
    const char *space = strchr(text, ' ');
    return space ? atol(space) : 0;
}

static void *make_some(void *seed) {
    for (int i = 0; i < 50; i++)
        check_and_free(make((uintptr_t)seed * 37 % 3000));
    struct block *other = atomic_exchange(&places[(uintptr_t)seed], make((uintptr_t)seed * 10));
    if (other)
        check_and_free(other);
    return NULL;
}

TEST(threads_come_and_go) {
    run_threads(32, make_some, NULL);
    long before = resident_pages();
    for (int round = 0; round < 60; round++)
        run_threads(32, make_some, NULL);
    for (int i = 0; i < PLACES; i++)
        if (places[i])
            check_and_free(places[i]);
    /* 1,920 threads one after the other need no more than 32 at a time. */
    ck_assert_int_lt((resident_pages() - before) * 4096, 24 << 20);
}

TEST(the_smallest_stack_is_enough) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN), 0);
    run_threads(16, make_some, &attributes);
}

static pthread_key_t keys[100];

/* A destructor that allocates, frees, and in its first rounds asks to be called again. */
static void end_late(void *value) {
    struct block *block = value;
    size_t round = block->bytes;
    check_and_free(block);
    for (int i = 0; i < 100; i++)
        check_and_free(make(200));
    struct block *left_over = make(64);
    struct block *other = atomic_exchange(&places[round], left_over);
    if (other)
        check_and_free(other);
    if (round < 3)
        pthread_setspecific(keys[round * 30 + 9], make(round + 1));
}

static void *set_keys(void *unused) {
    (void)unused;
    for (int i = 0; i < 100; i++)
        pthread_setspecific(keys[i], make(0));
    return NULL;
}

TEST(frees_in_the_last_destructors) {
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(pthread_key_create(&keys[i], end_late), 0);
    for (int round = 0; round < 10; round++)
        run_threads(8, set_keys, NULL);
}

enum { QUEUE = 1024, SENT = 300000 };
static _Atomic(struct block *) queue[QUEUE];

static void *produce(void *unused) {
    (void)unused;
    for (int i = 0; i < SENT; i++) {
        struct block *block = make((size_t)(i * 7 % 300)), *empty = NULL;
        while (!atomic_compare_exchange_weak(&queue[i % QUEUE], &empty, block)) {
            empty = NULL;
            sched_yield();
        }
    }
    return NULL;
}

static void *consume(void *unused) {
    (void)unused;
    for (int i = 0; i < SENT; i++) {
        struct block *block;
        while (!(block = atomic_exchange(&queue[i % QUEUE], NULL)))
            sched_yield();
        check_and_free(block);
    }
    return NULL;
}

TEST(a_consumer_gives_the_producers_memory_back) {
    pthread_t producer, consumer;
    long before = resident_pages();
    ck_assert_int_eq(pthread_create(&producer, NULL, produce, NULL), 0);
    ck_assert_int_eq(pthread_create(&consumer, NULL, consume, NULL), 0);
    pthread_join(producer, NULL);
    pthread_join(consumer, NULL);
    ck_assert_int_eq(wrong, 0);
    /* 300,000 blocks of 166 bytes in the mean are 47 MiB; 1,024 of them live at a time. */
    ck_assert_int_lt((resident_pages() - before) * 4096, 20 << 20);
}

RUN_TESTS()
