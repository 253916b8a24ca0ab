/* Large blocks: found by their address only, grown, moved, given back once, many at a time, with
 * BigCache and L2.5 behind them. */
#include "large/large.h"
#include <pthread.h>
#include <string.h>
#include "hop.h"
#include "large/totals.h"
#include "options.h"
#include "platform/platform.h"
#include "unit/suite.h"

TEST(a_block_is_zero_aligned_and_found_by_its_start) {
    for (size_t alignment = 1; alignment <= (size_t)16 << 20; alignment *= 2) {
        base_t base = hak_large_take(100000, alignment, NULL);
        ck_assert_ptr_nonnull(base.p);
        ck_assert_uint_eq(base_address(base) % alignment, 0);
        struct hak_large *large = hak_large_find(base.p);
        ck_assert_ptr_nonnull(large);
        ck_assert_uint_eq(large->mapped_bytes, 25 * 4096);
        ck_assert_uint_eq(large->epoch, 0);
        ck_assert_ptr_null(hak_large_find(base.p + 16));
        ck_assert_ptr_null(hak_large_find(base.p + 4096));
        ck_assert_ptr_eq(hak_large_containing(base.p + 100001), large);
        ck_assert_ptr_null(hak_large_containing((const void *)0x9e70)); /* near to address 0 */
        ck_assert_ptr_null(hak_large_containing((const void *)0x10));
        ck_assert(base.p[99999] == 0 || !hak_large_is_fresh(base));
        ck_assert(hak_large_give(base));
        ck_assert(!hak_large_give(base));
        ck_assert(!hak_large_find(base.p) || !hak_large_is_live(hak_large_find(base.p)));
        ck_assert(alignment > HAK_PAGE_BYTES || hak_large_keeps(base.p + 1));
        base_t again = hak_large_take(100000, alignment, NULL);
        ck_assert_ptr_nonnull(again.p);
        ck_assert(hak_large_give(again));
    }
    ck_assert_ptr_null(hak_large_find(NULL));
}

TEST(impossible_sizes_give_nothing) {
    ck_assert_ptr_null(hak_large_take((size_t)1 << 48, 16, NULL).p);
    ck_assert_ptr_null(hak_large_take(SIZE_MAX, 16, NULL).p);
    ck_assert_ptr_null(hak_large_take(100000, (size_t)1 << 62, NULL).p);
    base_t base = hak_large_take(100000, 16, NULL);
    ck_assert(!hak_large_resize(base, (size_t)1 << 48));
    ck_assert_ptr_null(hak_large_move(base, (size_t)1 << 48).p);
    ck_assert_uint_eq(hak_large_find(base.p)->mapped_bytes, 25 * 4096);
}

TEST(a_block_that_moves_takes_its_bytes_along) {
    base_t base = hak_large_take(100000, 16, NULL);
    memset(base.p, 7, 100000);
    ck_assert(hak_large_resize(base, 40000));
    ck_assert_uint_eq(hak_large_find(base.p)->mapped_bytes, 10 * 4096);
    ck_assert_ptr_null(hak_large_move(base, 500000).p); /* within L2.5 it is the caller's to copy */
    base = hak_large_take(2000000, 16, NULL);
    memset(base.p, 7, 2000000);
    base_t in_the_way = hak_large_take(2000000, 16, NULL);
    base_t moved = hak_large_move(base, 50000000);
    ck_assert_ptr_nonnull(moved.p);
    ck_assert_ptr_nonnull(hak_large_find(moved.p));
    if (moved.p != base.p)
        ck_assert_ptr_null(hak_large_find(base.p));
    for (int i = 0; i < 40000; i++)
        if (moved.p[i] != 7)
            ck_abort_msg("byte %d is lost", i);
    ck_assert_int_eq(moved.p[49999999], 0);
    ck_assert(hak_large_give(moved));
    ck_assert(hak_large_give(in_the_way));
}

TEST(the_table_grows) {
    enum { COUNT = 20000 }; /* below the kernel's bound on mappings, which neighbours share */
    static base_t bases[COUNT];
    for (int i = 0; i < COUNT; i++) {
        bases[i] = hak_large_take(4096, 16, NULL);
        ck_assert_ptr_nonnull(bases[i].p);
    }
    unsigned wrong = 0;
    for (int i = 0; i < COUNT; i++) {
        struct hak_large *large = hak_large_find(bases[i].p);
        wrong += !large || large->base.p != bases[i].p;
    }
    for (int i = 0; i < COUNT; i++)
        wrong += !hak_large_give(bases[i]);
    ck_assert_uint_eq(wrong, 0);
}

static char shards_are_shared; /* any address */

static void *churn(void *self) {
    for (int i = 0; i < 3000; i++) {
        base_t base = hak_large_take(40000, 16, NULL);
        if (!base.p || !hak_large_find(base.p) || (*base.p != 0 && hak_large_is_fresh(base)))
            return self;
        *base.p = 1;
        if (!hak_large_resize(base, 39000) || !hak_large_give(base))
            return self;
        base = hak_large_take(1200000, 16, NULL);
        *base.p = 1;
        base = hak_large_move(base, 2400000);
        if (!base.p || *base.p != 1 || !hak_large_give(base))
            return self;
    }
    return NULL;
}

TEST(threads_share_the_table) {
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, (void *)&shards_are_shared), 0);
    for (int i = 0; i < 6; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_ptr_null(wrong);
    }
}

static void agree(void) {
    struct hak_large_totals totals;
    const char *wrong = hak_large_verify(&totals);
    if (wrong)
        ck_abort_msg("%s", wrong);
}

/* A block that crosses 1 MiB, with others right behind it: each stays what the map says of it. */
TEST(a_mapping_that_grows_and_shrinks_over_a_mebibyte_is_found) {
    enum { COUNT = 60 };
    base_t blocks[COUNT];
    for (int i = 0; i < COUNT; i++)
        blocks[i] = hak_large_take(i % 2 ? 1100000 : 200000, 8192, NULL);
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < COUNT; i++) {
            size_t before = hak_large_find(blocks[i].p)->mapped_bytes;
            size_t wanted = (round + i) % 2 ? 1200000 : 300000;
            bool is_resized = hak_large_resize(blocks[i], wanted);
            size_t now = hak_large_find(blocks[i].p)->mapped_bytes;
            ck_assert(is_resized ? now >= wanted : now == before);
            for (int j = 0; j < COUNT; j++) {
                struct hak_large *large = hak_large_find(blocks[j].p);
                ck_assert(large && large->base.p == blocks[j].p);
                ck_assert_ptr_eq(hak_large_containing(blocks[j].p + large->mapped_bytes - 1),
                                 large);
                blocks[j].p[large->mapped_bytes - 1] = 1;
            }
            agree();
        }
    for (int i = 0; i < COUNT; i++)
        ck_assert(hak_large_give(blocks[i]));
}

static void begin(void) {
    hak_options.bigcache_max_bytes = 8 << 20;
}

RUN_TESTS(.set_up = begin, .tear_down = agree)
