/* The mid layer: what a full ring cannot hold is at hand again before the slabs are asked, within
 * its bytes, and goes back when the thread does not use it, ends, or is left behind by a fork. */
#include "mid/mid.h"
#include <pthread.h>
#include <string.h>
#include "front/figures.h"
#include "front/thread_block.h"
#include "options.h"
#include "route/route.h"
#include "unit/suite.h"

enum { MANY = 3000 };

static void start(void) {
    hak_options_read(NULL);
    hak_registry_start(true);
    hak_route_start();
    hak_front_start();
    ck_assert_int_eq(hak_thread.state, HAK_THREAD_OWN);
}

static struct hak_mid *own_mid(void) {
    return hak_thread.front->mid;
}

static void take(base_t *blocks, int count, size_t bytes) {
    for (int i = 0; i < count; i++) {
        blocks[i] = hak_route_take(bytes, 0, NULL).base;
        ck_assert_ptr_nonnull(blocks[i].p);
        memset(blocks[i].p, i, bytes < 64 ? bytes : 64);
    }
}

static void give(const base_t *blocks, int count) {
    for (int i = 0; i < count; i++)
        ck_assert(hak_route_give(blocks[i], HAK_FREE));
}

static int compare(const void *a, const void *b) {
    uintptr_t first = base_address(*(const base_t *)a), second = base_address(*(const base_t *)b);
    return (first > second) - (first < second);
}

/* Number of blocks of `again` that are among `blocks`; all but the few that the first refill left
 * over. */
static int count_common(base_t *blocks, base_t *again, int count) {
    int common = 0;
    qsort(blocks, (size_t)count, sizeof *blocks, compare);
    for (int i = 0; i < count; i++)
        common += bsearch(&again[i], blocks, (size_t)count, sizeof *blocks, compare) != NULL;
    return common;
}

static size_t listed(unsigned class_index) {
    return hak_mid_count(own_mid(), class_index);
}

TEST(what_the_ring_cannot_hold_is_had_again) {
    enum { COUNT = 200 };
    base_t blocks[COUNT], again[COUNT];
    start();
    take(blocks, COUNT, 4096);
    ck_assert_uint_eq(listed(HAK_CLASS_OF_4096), 0);
    give(blocks, COUNT);
    size_t in_list = listed(HAK_CLASS_OF_4096), in_ring = hak_array_count(HAK_CLASS_OF_4096);
    ck_assert_uint_gt(in_list, 0);
    ck_assert_uint_ge(in_list + in_ring, COUNT / 2); /* time may take some */
    take(again, COUNT, 4096);
    ck_assert_uint_lt(listed(HAK_CLASS_OF_4096), in_list / 2);
    ck_assert_int_ge(count_common(blocks, again, COUNT), COUNT / 2);
    give(again, COUNT);
}

TEST(the_list_is_bounded_in_bytes_over_all_classes) {
    static base_t blocks[MANY], more[MANY];
    start();
    hak_thread.heap->swings = UINT8_MAX; /* or the end of a burst would empty the lists */
    take(blocks, MANY, 2048);
    take(more, 300, 32768);
    give(blocks, MANY);
    give(more, 300);
    size_t bytes = 0;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        bytes += listed(c) * hak_class_bytes(c);
    ck_assert_uint_le(bytes, HAK_MID_LIFO_BYTES);
    ck_assert_uint_gt(bytes, HAK_MID_LIFO_BYTES / 2);
}

/* Nobody may call again: each block in a list would keep a slab. */
TEST(the_end_of_a_burst_empties_the_lists) {
    enum { SMALL = 100 * 1000, LARGE = 400, STEP = 7919 };
    static base_t blocks[SMALL], more[LARGE];
    start();
    take(more, LARGE, 4096);
    take(blocks, SMALL, 512);
    give(more, LARGE);
    ck_assert_uint_gt(listed(HAK_CLASS_OF_4096), 0);
    for (size_t i = 0; i < SMALL; i++) /* in any order */
        give(&blocks[i * STEP % SMALL], 1);
    ck_assert_uint_eq(listed(HAK_CLASS_OF_4096), 0);
}

TEST(a_list_has_no_fixed_number_of_places) {
    enum { COUNT = 60000 };
    static base_t blocks[COUNT];
    hak_options_read((char *[]){"HAKMEM_TINY_PROFILE=off", NULL});
    hak_registry_start(true);
    hak_route_start();
    hak_front_start();
    take(blocks, COUNT, 8);
    give(blocks, COUNT);
    ck_assert_uint_gt(listed(0), 50 * HAK_MID_SEGMENT_PLACES);
    ck_assert_uint_le(listed(0) * 8, HAK_MID_LIFO_BYTES);
}

TEST(what_is_not_used_goes_to_the_slabs) {
    base_t blocks[200];
    start();
    take(blocks, 200, 4096);
    give(blocks, 200);
    hak_mid_decay(hak_thread.heap, own_mid());
    size_t before = listed(HAK_CLASS_OF_4096);
    ck_assert_uint_gt(before, 0);
    hak_mid_decay(hak_thread.heap, own_mid());
    ck_assert_uint_eq(listed(HAK_CLASS_OF_4096), before / 2);
    for (int i = 0; i < 20; i++)
        hak_mid_decay(hak_thread.heap, own_mid());
    ck_assert_uint_eq(listed(HAK_CLASS_OF_4096), 0);
    take(blocks, 200, 4096);
    give(blocks, 200);
}

TEST(the_end_of_the_thread_empties_ring_and_list) {
    base_t blocks[200];
    start();
    take(blocks, 200, 4096);
    give(blocks, 200);
    struct hak_mid *mid = own_mid();
    struct hak_figures figures;
    hak_figures_take(&figures);
    ck_assert_uint_ge(figures.cached_bytes, 100 * 4096);
    ck_assert_uint_gt(hak_mid_count(mid, HAK_CLASS_OF_4096), 0);
    hak_front_end();
    ck_assert_uint_eq(hak_mid_count(mid, HAK_CLASS_OF_4096), 0);
    hak_figures_take(&figures);
    ck_assert_uint_eq(figures.cached_bytes, 0);
    ck_assert_uint_eq(figures.live_bytes, 0);
}

TEST(a_child_mends_the_list_of_a_thread_that_is_not_there) {
    base_t blocks[200], again[200];
    start();
    take(blocks, 200, 4096);
    give(blocks, 200);
    hak_mid_empty_left(hak_thread.heap, own_mid());
    ck_assert_uint_eq(listed(HAK_CLASS_OF_4096), 0);
    /* They can be had again, each once. */
    take(again, 200, 4096);
    qsort(again, 200, sizeof *again, compare);
    for (int i = 1; i < 200; i++)
        ck_assert_ptr_ne(again[i].p, again[i - 1].p);
    give(again, 200);
    ck_assert_uint_gt(listed(HAK_CLASS_OF_4096), 0);
}

struct hand_over {
    base_t blocks[100];
    pthread_barrier_t barrier;
};

static void *allocate_and_wait(void *argument) {
    struct hand_over *hand_over = argument;
    base_t again[100];
    hak_front_start();
    take(hand_over->blocks, 100, 2000);
    pthread_barrier_wait(&hand_over->barrier);
    pthread_barrier_wait(&hand_over->barrier);
    take(again, 100, 2000);
    /* Blocks that the other thread freed come back to their owner before new slabs are taken. */
    bool is_same = count_common(hand_over->blocks, again, 100) >= 100 - 32;
    give(again, 100);
    hak_front_end();
    return is_same ? NULL : argument;
}

TEST(blocks_that_another_thread_frees_come_back_to_their_owner) {
    static struct hand_over hand_over;
    pthread_t owner;
    void *wrong;
    start();
    pthread_barrier_init(&hand_over.barrier, NULL, 2);
    pthread_create(&owner, NULL, allocate_and_wait, &hand_over);
    pthread_barrier_wait(&hand_over.barrier);
    give(hand_over.blocks, 100);
    hak_remote_flush();
    pthread_barrier_wait(&hand_over.barrier);
    pthread_join(owner, &wrong);
    ck_assert_ptr_null(wrong);
}

RUN_TESTS()
