/* Memory that is kept for later goes back: at once when asked for, and by and by where a thread
 * goes on without it. Measured in resident pages of the blocks themselves. */
#include <pthread.h>
#include <sys/mman.h>
#include "platform/platform.h"
#include "route/route.h"
#include "unit/suite.h"

enum { BLOCKS = 14000, BYTES = 256 };

static base_t blocks[BLOCKS];
static base_t kept[BLOCKS / 200];

/* A burst of blocks; every 200th stays, so that no SuperSlab gets empty. */
static void burst(void) {
    hak_options_read(NULL);
    hak_front_start();
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = hak_route_take(BYTES, 0, NULL).base;
        blocks[i].p[0] = 1;
    }
    for (int i = 0; i < BLOCKS; i++)
        if (i % 200 == 0)
            kept[i / 200] = blocks[i];
        else
            ck_assert(hak_route_give(blocks[i], HAK_FREE));
}

static size_t resident_bytes(void) {
    size_t pages = 0;
    for (int i = 0; i < BLOCKS; i++) {
        unsigned char in_core = 0;
        void *page = (void *)((uintptr_t)blocks[i].p & ~(uintptr_t)4095);
        if (mincore(page, 1, &in_core) == 0)
            pages += in_core & 1;
    }
    return pages * BYTES; /* a page was asked about once for each of its blocks */
}

/* No slab gets empty with a block in each, so those that stay are freed but for one of each ten. */
static void free_most_of_the_kept(void) {
    for (int i = 0; i < BLOCKS / 200; i++)
        if (i % 10 != 0)
            ck_assert(hak_route_give(kept[i], HAK_FREE));
}

TEST(trim_gives_back_the_pages_of_empty_slabs) {
    burst();
    free_most_of_the_kept();
    size_t before = resident_bytes();
    size_t told = hak_route_trim();
    size_t after = resident_bytes();
    ck_assert_uint_gt(before, 3 << 20);
    ck_assert_msg(after < before / 4, "%zu of %zu bytes are still there", after, before);
    ck_assert_uint_ge(told, before - after);
    for (int i = 0; i < BLOCKS / 200; i += 10)
        ck_assert_int_eq(kept[i].p[0], 1);
    /* All of it serves again. */
    burst();
    ck_assert_uint_eq(hak_slab_purge(hak_thread.heap, 1000), 0);
}

TEST(trim_with_nothing_to_give_back_says_so) {
    hak_front_start();
    (void)hak_route_trim();
    ck_assert_uint_eq(hak_route_trim(), 0);
}

TEST(trim_in_a_thread_without_a_heap_is_harmless) {
    hak_heap_limit_ids(1);
    hak_front_start();
    ck_assert_int_eq(hak_thread.state, HAK_THREAD_SHARED);
    (void)hak_route_trim();
    ck_assert_ptr_nonnull(hak_route_take(100, 0, NULL).base.p);
}

static void *leave_a_burst(void *unused) {
    burst();
    free_most_of_the_kept();
    hak_front_end();
    return unused;
}

TEST(trim_reaches_heaps_of_ended_threads) {
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, leave_a_burst, NULL), 0);
    pthread_join(thread, NULL);
    size_t before = resident_bytes();
    hak_front_start();
    (void)hak_route_trim();
    ck_assert_uint_lt(resident_bytes(), before / 4);
}

/* The clock is the time stamp counter; the loop goes on for six purge delays: the arrays halve in
 * each. */
TEST(a_thread_that_goes_on_without_a_burst_gives_its_pages_back) {
    burst();
    free_most_of_the_kept();
    size_t before = resident_bytes();
    uint64_t end = hak_ticks() + ((uint64_t)6 << 28);
    enum { FEW = HAK_ARRAY_MOST + 2000 };
    static base_t few[FEW];
    while (hak_ticks() < end) {
        for (int i = 0; i < FEW; i++)
            few[i] = hak_route_take(8, 0, NULL).base;
        for (int i = 0; i < FEW; i++)
            ck_assert(hak_route_give(few[i], HAK_FREE));
    }
    size_t after = resident_bytes();
    ck_assert_msg(after < before / 3, "%zu of %zu bytes are still there", after, before);
}

RUN_TESTS()
