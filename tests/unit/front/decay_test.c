/* Blocks that a burst leaves scattered in the caches of a thread are given back at the end of a
 * period, so that no SuperSlab stays for a few of its blocks. */
#include "unit/front/fronts.h"

enum { C1024 = HAK_CLASS_OF_1024, C4096 = HAK_CLASS_OF_4096, MANY = 64 };
enum { SUPERSLABS = 20, OF_EACH = 7, FULL = 3, ALSO_FULL = 8, MOST = SUPERSLABS * 2048 };

static base_t burst[MOST], cached[SUPERSLABS * OF_EACH];

static unsigned count_superslabs(void) {
    const struct hak_heap *heap = hak_thread.heap;
    const struct hak_superslab *lists[] = {heap->room, heap->full, heap->cooled};
    unsigned count = 0;
    for (int l = 0; l < 3; l++)
        for (const struct hak_superslab *s = lists[l]; s; s = s->next)
            count++;
    return count;
}

/* A burst of which the same few blocks of each SuperSlab come back by the class's caches, the other
 * ones not by caches at all; in two SuperSlabs one more is live, so that they are the fullest. */
static void scatter(unsigned class_index) {
    unsigned of_one = (HAK_SLABS - 1) * hak_class_slots(class_index), count = of_one * SUPERSLABS;
    struct hak_heap *heap = hak_thread.heap;
    heap->swings = UINT8_MAX; /* or the end of the burst would empty the caches itself */
    ck_assert_uint_eq(hak_slab_take(heap, class_index, burst, count), count);
    ck_assert_uint_eq(count_superslabs(), SUPERSLABS);
    unsigned stays = 0;
    for (unsigned i = 0; i < of_one; i++)
        for (unsigned s = 0; s < SUPERSLABS; s++)
            if (i < OF_EACH)
                cached[stays++] = burst[s * of_one + i];
            else if (i > OF_EACH || (s != FULL && s != ALSO_FULL))
                hak_slab_give(heap, burst[s * of_one + i]);
    for (unsigned i = 0; i < stays; i++)
        give(class_index, cached[i]);
    ck_assert_uint_eq(count_superslabs(), SUPERSLABS);
    ck_assert_uint_eq(count_cached(class_index), stays);
}

TEST(an_array_keeps_what_lies_in_the_two_fullest) {
    start_with("HAKMEM_TINY_UNIFIED_C7=256", NULL, NULL);
    scatter(C1024);
    struct hak_staying staying;
    ck_assert(hak_slab_find_fullest_draining(hak_thread.heap, &staying));
    hak_array_spill_draining(C1024, &staying);
    ck_assert_uint_eq(hak_array_count(C1024), 2 * OF_EACH);
    const base_t *first = hak_thread.front->array[C1024].bottom + 1;
    for (unsigned i = 0; i < OF_EACH; i++) { /* in the order in which they came */
        ck_assert_ptr_eq(first[2 * i].p, cached[i * SUPERSLABS + FULL].p);
        ck_assert_ptr_eq(first[2 * i + 1].p, cached[i * SUPERSLABS + ALSO_FULL].p);
    }
    ck_assert_uint_eq(count_superslabs(), 2);
    ck_assert_uint_eq(count_out(C1024), 2 * OF_EACH + 2);
}

/* Nobody may call again after a burst: its end gives back, and no period. The blocks come back in
 * any order, so that those in arrays lie in as many slabs. */
TEST(the_end_of_a_burst_empties_the_arrays) {
    enum { COUNT = 36 * 1000 };
    static const uint8_t classes[] = {HAK_CLASS_OF_256, HAK_CLASS_OF_512, C1024, HAK_CLASS_OF_2048};
    uint32_t random = 1;
    start_with(NULL, NULL, NULL);
    for (unsigned i = 0; i < COUNT; i++)
        burst[i] = take(classes[i % 4]);
    ck_assert_uint_gt(count_superslabs(), 10);
    for (unsigned left = COUNT; left > 0; left--) {
        random = random * 1664525u + 1013904223u;
        unsigned at = (random >> 8) % left;
        const struct hak_superslab *superslab = hak_superslab_of(burst[at].p);
        give(superslab->class_of_slab[hak_slab_index_of(burst[at].p)], burst[at]);
        burst[at] = burst[left - 1];
    }
    unsigned left_in_caches = 0;
    for (unsigned i = 0; i < 4; i++)
        left_in_caches += count_cached(classes[i]);
    ck_assert_uint_lt(left_in_caches, 4 * HAK_ARRAY_PLACES);
}

static void count_kept(base_t block, void *context) {
    const struct hak_superslab *superslab = hak_superslab_of(block.p);
    ck_assert(superslab == hak_superslab_of(cached[FULL].p) ||
              superslab == hak_superslab_of(cached[ALSO_FULL].p));
    ++*(unsigned *)context;
}

TEST(so_does_the_list_of_mid) {
    start_with(NULL, NULL, NULL);
    ck_assert(hak_mid_has(C4096));
    scatter(C4096);
    struct hak_mid *mid = hak_thread.front->mid;
    size_t before = hak_mid_count(mid, C4096);
    ck_assert_uint_gt(before, HAK_MID_SEGMENT_PLACES);
    struct hak_staying staying;
    ck_assert(hak_slab_find_fullest_draining(hak_thread.heap, &staying));
    hak_array_spill_draining(C4096, &staying);
    hak_mid_spill_draining(hak_thread.heap, mid, &staying);
    unsigned kept = 0;
    ck_assert_uint_eq(hak_mid_each(mid, C4096, count_kept, &kept), kept);
    ck_assert_uint_eq(kept + hak_array_count(C4096), 2 * OF_EACH);
    ck_assert_uint_eq(count_superslabs(), 2);
    /* The rest is handed out once, and nothing else is there. */
    for (unsigned i = 0; i < 3 * MANY; i++)
        burst[i] = take(C4096);
    ck_assert_uint_eq(hak_mid_count(mid, C4096), 0);
    for (unsigned i = 0; i < 3 * MANY; i++)
        give(C4096, burst[i]);
    ck_assert_uint_gt(hak_mid_count(mid, C4096), 0);
}

/* As many slow paths as there are between two looks at the clock, which says that it is time. */
static void end_period(void) {
    hak_thread.front->decayed_at = 0;
    for (unsigned i = 0; i < HAK_TEND_EVERY; i++)
        hak_front_decay();
}

TEST(a_period_lets_the_superslabs_of_a_burst_go) {
    start_with("HAKMEM_TINY_UNIFIED_C7=256", NULL, NULL);
    scatter(C1024);
    end_period();
    ck_assert_uint_eq(count_superslabs(), 2);
}

TEST(two_that_drain_keep_what_caches_hold) {
    start_with("HAKMEM_TINY_UNIFIED_C7=256", NULL, NULL);
    scatter(C1024);
    end_period();
    unsigned before = hak_array_count(C1024);
    end_period();
    ck_assert_uint_ge(hak_array_count(C1024), before / 2);
    ck_assert_uint_gt(before, 0);
}

TEST(other_fronts_are_emptied) {
    start_with("HAKMEM_TINY_MAGAZINE_ENABLE=1", NULL, NULL);
    scatter(C1024);
    end_period();
    ck_assert_uint_eq(count_cached(C1024), 0);
    ck_assert_uint_eq(count_superslabs(), 2);
}

static unsigned purges;

static size_t count_purge(void) {
    purges++;
    return 0;
}

TEST(a_purge_is_served_once_by_each_thread_at_a_slow_path) {
    start_with(NULL, NULL, NULL);
    hak_front_give_back = count_purge;
    struct hak_heap *heap = hak_thread.heap;
    unsigned count = hak_class_slots(C1024) * 8;
    ck_assert_uint_eq(hak_slab_take(heap, C1024, burst, count), count);
    for (unsigned i = 0; i < count; i++)
        hak_slab_give(heap, burst[i]);
    give(C4096, take(C4096));
    ck_assert_uint_gt(heap->dirty_slabs, 0);
    ck_assert_uint_gt(count_cached(C4096), 0);
    for (unsigned i = 0; i < 2 * HAK_TEND_EVERY; i++)
        hak_front_decay();
    ck_assert_uint_gt(heap->dirty_slabs, 0);
    atomic_store(&hak_purge.asked, 7);
    for (unsigned i = 0; i < HAK_TEND_EVERY; i++)
        hak_front_decay();
    ck_assert_uint_eq(heap->dirty_slabs, 0);
    ck_assert_uint_eq(count_cached(C4096), 0);
    ck_assert_uint_eq(hak_purge.served, 7);
    ck_assert_uint_eq(hak_thread.front->purged, 7);
    for (unsigned i = 0; i < 2 * HAK_TEND_EVERY; i++)
        hak_front_decay();
    ck_assert_uint_eq(purges, 1);
}

RUN_TESTS()
