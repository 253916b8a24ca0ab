/* The figures of a heap that learning gets, and the delay that it sets. */
#include "slab/tune.h"
#include "unit/slab/heap_of_test.h"

enum { A = HAK_CLASS_OF_1024, SLOTS = 64 };

static base_t blocks[31 * SLOTS * 3];

/* The last slab of a class stays with it: a block that is free elsewhere makes that another one. */
static void free_one_of_the_last(unsigned slabs) {
    give(&blocks[slabs * SLOTS - 1], 1);
}

TEST(a_measurement_is_what_is_in_use) {
    struct hak_memory_use use;
    hak_slab_measure(heap, 500000, &use);
    ck_assert_uint_eq(use.superslabs, 0);
    take_slabs(A, blocks, 31 + 10);
    hak_slab_measure(heap, 500000, &use);
    ck_assert_uint_eq(use.superslabs, 2);
    ck_assert_uint_eq(use.full_superslabs, 1);
    ck_assert_uint_eq(use.active_slabs, 41);
    ck_assert_uint_eq(use.empty_slabs, 0);
    ck_assert_uint_eq(use.used_bytes, 41 * HAK_SLAB_BYTES);
    free_one_of_the_last(41);
    give(blocks, 5 * SLOTS);
    hak_slab_measure(heap, 300000, &use);
    ck_assert_uint_eq(use.full_superslabs, 2);
    ck_assert_uint_eq(use.active_slabs, 36);
    ck_assert_uint_eq(use.empty_slabs, 5);
}

TEST(a_purge_that_did_not_pay_is_counted) {
    struct hak_memory_use use;
    take_slabs(A, blocks, 20);
    free_one_of_the_last(20);
    give(blocks, 10 * SLOTS);
    ck_assert_uint_eq(hak_slab_purge(heap, 4), 6 * HAK_SLAB_BYTES);
    hak_slab_measure(heap, 0, &use);
    ck_assert_uint_eq(use.slabs_purged, 6);
    ck_assert_uint_eq(use.slabs_retouched, 0);
    take_slabs(A, blocks, 4 + 6 + 11); /* those with pages first, then all others */
    hak_slab_measure(heap, 0, &use);
    ck_assert_uint_eq(use.slabs_retouched, 6);
}

static void wait_ticks(uint64_t ticks) {
    for (uint64_t end = hak_ticks() + ticks; hak_ticks() < end;)
        hak_spin_hint();
}

TEST(decay_waits_for_the_delay_that_is_set) {
    hak_slab_set_purge_delay(UINT64_MAX / 2);
    take_slabs(A, blocks, 31);
    free_one_of_the_last(31);
    give(blocks, 20 * SLOTS);
    for (int i = 0; i < 3; i++) {
        wait_ticks(1000);
        hak_slab_decay(heap);
    }
    ck_assert_uint_eq(heap->dirty_slabs, 20);
    hak_slab_set_purge_delay(1000);
    for (int i = 0; i < 3; i++) { /* the first look only notes what is not needed */
        wait_ticks(2000);
        hak_slab_decay(heap);
    }
    give_back_all();
    ck_assert_uint_eq(heap->dirty_slabs, 4);
}

RUN_TESTS(.set_up = set_up)
