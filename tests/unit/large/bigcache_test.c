/* The BigCache: whose block comes back, how many bytes stay, where they go when a thread ends, time
 * passes or a process forks. */
#include "large/bigcache.h"
#include "large/spare.h"
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "unit/large/large_world.h"

static const char one_place, other_place; /* two callers */

TEST(a_block_given_back_serves_the_next_of_its_size) {
    keep_up_to(8 * MIB);
    base_t first = take(100000, &one_place);
    ck_assert(hak_large_is_fresh(first));
    memset(first.p, 7, 100000);
    ck_assert(hak_large_give(first));
    ck_assert(!hak_large_give(first));
    ck_assert(hak_large_keeps(first.p + 5000));
    base_t much_smaller = take(70000, &one_place), same = take(99000, &other_place);
    ck_assert_ptr_ne(much_smaller.p, first.p);
    ck_assert_ptr_eq(same.p, first.p);
    ck_assert(!hak_large_is_fresh(same));
    ck_assert(!hak_large_keeps(first.p));
    ck_assert_uint_eq(hak_large_find(same.p)->mapped_bytes, 25 * 4096);
    ck_assert(hak_large_give(same));
    ck_assert(hak_large_give(much_smaller));
    look();
}

TEST(each_caller_gets_its_own_block_back) {
    enum { BLOCKS = 3 }; /* as many of one size are looked at, and no more than that */
    keep_up_to(8 * MIB);
    for (int round = 0; round < 2; round++) {
        base_t one[BLOCKS], other[BLOCKS];
        for (int i = 0; i < BLOCKS; i++) {
            one[i] = take(200000, &one_place);
            other[i] = take(200000, &other_place);
        }
        const base_t *first = round ? one : other, *second = round ? other : one;
        for (int i = 0; i < BLOCKS; i++)
            ck_assert(hak_large_give(first[i]));
        ck_assert(hak_large_give(second[0]));
        base_t again = take(200000, round ? &one_place : &other_place);
        ck_assert_ptr_eq(again.p, first[BLOCKS - 1].p);
        again = take(200000, round ? &other_place : &one_place);
        ck_assert_ptr_eq(again.p, second[0].p);
    }
}

enum { BURST = 100, BURST_BYTES = 400000 };

static void burst(base_t *blocks) {
    for (int i = 0; i < BURST; i++)
        blocks[i] = take(BURST_BYTES, NULL);
    for (int i = 0; i < BURST; i++)
        ck_assert(hak_large_give(blocks[i]));
}

/* A thread may make no call any more after a burst. Of 12 MB most is kept: requests swing so. */
TEST(little_is_kept_after_a_burst_and_most_of_a_small_use, .until = 2) {
    base_t blocks[BURST];
    const int count = _i ? 30 : BURST;
    keep_up_to(8 * MIB);
    hak_bigcache_set_least(MIB);
    for (int i = 0; i < count; i++)
        blocks[i] = take(BURST_BYTES, NULL);
    for (int i = 0; i < count; i++)
        ck_assert(hak_large_give(blocks[i]));
    if (_i)
        ck_assert_uint_ge(look().kept_bytes, 7 * MIB);
    else
        ck_assert_uint_le(look().kept_bytes, MIB);
}

TEST(what_is_kept_is_bounded, .until = 4) {
    base_t blocks[BURST];
    const size_t bounds[] = {0, MIB, 8 * MIB, 1000 * MIB};
    keep_up_to(bounds[_i]);
    burst(blocks);
    struct hak_large_totals totals = look();
    ck_assert_uint_eq(totals.live_blocks, 0);
    ck_assert_uint_le(totals.kept_bytes, bounds[_i]);
    size_t all = BURST * HAK_PAGES_OF((size_t)BURST_BYTES);
    size_t due = bounds[_i] < all ? bounds[_i] : all;
    ck_assert_uint_ge(totals.kept_bytes + HAK_PAGES_OF((size_t)BURST_BYTES), due);
    /* A block above half of it is not kept, but for its pages (spare_test.c). */
    base_t huge = take(bounds[_i] / 2 + 2 * MIB, NULL);
    ck_assert(hak_large_give(huge));
    ck_assert_ptr_null(hak_large_find(huge.p));
    ck_assert(!hak_is_mapped(huge.p) || hak_spare_holds(huge.p));
    ck_assert(bounds[_i] > 0 || !hak_is_mapped(huge.p));
    /* And all of it goes when it is asked for. */
    hak_large_trim();
    ck_assert(!hak_is_mapped(huge.p));
    totals = look();
    ck_assert_uint_eq(totals.kept_bytes, 0);
    ck_assert_uint_eq(totals.pool_used_bytes + totals.pool_free_bytes, 0);
}

static void *burst_and_stay(void *barrier) {
    base_t blocks[BURST];
    burst(blocks);
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    burst(blocks);
    hak_large_thread_end();
    base_t late = take(100000, NULL);
    ck_assert(hak_large_give(late));
    return NULL;
}

enum { THREADS = 4 };

TEST(threads_share_the_bytes_and_give_theirs_back_at_their_end) {
    pthread_t threads[THREADS];
    pthread_barrier_t barrier;
    base_t blocks[BURST];
    keep_up_to(8 * MIB);
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, burst_and_stay, &barrier);
    pthread_barrier_wait(&barrier);
    struct hak_large_totals totals = look();
    ck_assert_uint_gt(totals.kept_bytes, 7 * MIB);
    ck_assert_uint_le(totals.kept_bytes, 8 * MIB);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(look().kept_bytes, 0);
    burst(blocks);
    ck_assert_uint_gt(look().kept_bytes, 7 * MIB);
}

/* One of L2.5, whose chunk is empty then, and a mapping. */
TEST(a_trim_counts_what_it_gives_back_once) {
    keep_up_to(8 * MIB);
    (void)hak_large_trim();
    base_t run = take(100000, NULL), mapping = take(2 * MIB, NULL);
    ck_assert(hak_large_give(run) && hak_large_give(mapping));
    ck_assert_uint_eq(look().kept_blocks, 2);
    ck_assert_uint_eq(hak_large_trim(), 4 * MIB + 2 * MIB);
    ck_assert_uint_eq(look().kept_blocks, 0);
    ck_assert(!hak_is_mapped(mapping.p) && !hak_is_mapped(run.p));
    ck_assert_uint_eq(hak_large_trim(), 0);
}

TEST(what_is_not_used_goes_down) {
    base_t blocks[BURST];
    keep_up_to(8 * MIB);
    burst(blocks);
    ck_assert_uint_gt(look().kept_blocks, 0);
    for (int i = 0; i < 600 && look().kept_blocks > 0; i++) {
        nanosleep(&(struct timespec){0, 10000000}, NULL);
        hak_bigcache_tend();
    }
    ck_assert_uint_eq(look().kept_blocks, 0);
}

TEST(a_child_empties_what_other_threads_kept) {
    pthread_t threads[THREADS];
    pthread_barrier_t barrier;
    keep_up_to(8 * MIB);
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, burst_and_stay, &barrier);
    pthread_barrier_wait(&barrier);
    pid_t child = fork();
    if (child == 0) {
        hak_large_after_fork();
        ck_assert_uint_gt(look().kept_blocks, 0);
        base_t block = take(123456, NULL);
        ck_assert_uint_eq(look().kept_blocks, 0);
        ck_assert_uint_eq(look().live_blocks, 1);
        ck_assert(hak_large_give(block));
        base_t blocks[BURST];
        burst(blocks);
        ck_assert_uint_gt(look().kept_bytes, 7 * MIB);
        _exit(0);
    }
    ck_assert_int_eq(status_of(child), 0);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    look();
}

RUN_TESTS()
