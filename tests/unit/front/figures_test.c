/* Figures: what is with the program, what lies in caches and what nobody uses add up to what is
 * mapped. */
#include "front/figures.h"
#include <pthread.h>
#include "unit/front/arrays.h"

static struct hak_figures take_figures(void) {
    struct hak_figures figures;
    hak_figures_take(&figures);
    ck_assert_uint_le(figures.live_bytes + figures.cached_bytes + figures.unused_bytes,
                      figures.superslab_bytes);
    ck_assert_uint_eq(figures.dirty_bytes + figures.clean_bytes, figures.unused_bytes);
    return figures;
}

TEST(before_the_first_block_nothing_is_mapped) {
    struct hak_figures figures = take_figures();
    ck_assert_uint_eq(figures.superslab_bytes, 0);
    ck_assert_uint_eq(figures.live_bytes, 0);
    ck_assert_uint_eq(figures.cached_blocks, 0);
}

TEST(a_block_is_live_then_cached, .until = HAK_CLASSES) {
    unsigned c = (unsigned)_i;
    size_t bytes = hak_class_bytes(c);
    base_t block = take(c);
    struct hak_figures with = take_figures();
    ck_assert_uint_eq(with.superslab_bytes, HAK_SUPERSLAB_BYTES);
    ck_assert_uint_eq(with.live_bytes, bytes);
    /* One slab, or of the larger classes as many as the refill needed. */
    unsigned slabs = ((unsigned)with.cached_blocks + hak_class_slots(c)) / hak_class_slots(c);
    ck_assert_uint_eq(with.unused_bytes, (HAK_SLABS - 1 - slabs) * HAK_SLAB_BYTES);
    give(c, block);
    struct hak_figures without = take_figures();
    ck_assert_uint_eq(without.live_bytes, 0);
    ck_assert_uint_eq(without.cached_blocks, with.cached_blocks + 1);
    ck_assert_uint_eq(without.cached_bytes, without.cached_blocks * bytes);
    ck_assert_uint_eq(without.free_blocks[c], without.cached_blocks);
    ck_assert_uint_eq(without.slabs[c], slabs);
    ck_assert_uint_eq(without.cached_of_class[c], without.cached_blocks);
    ck_assert_uint_eq(without.out_blocks[c], without.cached_blocks);
    ck_assert_uint_gt(without.slow_paths, 0);
}

TEST(a_free_slab_is_dirty_until_its_pages_go) {
    unsigned c = HAK_CLASSES - 1;
    base_t blocks[8];
    for (int i = 0; i < 8; i++)
        blocks[i] = take(c);
    for (int i = 0; i < 8; i++)
        give(c, blocks[i]);
    ck_assert_uint_eq(take_figures().dirty_bytes, 0);
    hak_array_spill(c, hak_array_count(c));
    size_t dirty = take_figures().dirty_bytes, clean = take_figures().clean_bytes;
    ck_assert_uint_ge(dirty, HAK_SLAB_BYTES);
    uint64_t given_back = hak_given_back_bytes;
    ck_assert_uint_eq(hak_slab_purge(hak_thread.heap, 0), dirty);
    ck_assert_uint_eq(take_figures().dirty_bytes, 0);
    ck_assert_uint_eq(take_figures().clean_bytes, clean + dirty);
    ck_assert_uint_eq(hak_given_back_bytes - given_back, dirty);
}

static void *give_ten(void *blocks) {
    hak_front_start();
    for (int i = 0; i < 10; i++)
        hak_remote_put(hak_registry_owner(((base_t *)blocks)[i].p), ((base_t *)blocks)[i]);
    hak_front_end();
    return NULL;
}

TEST(frees_for_other_threads_are_counted_when_they_are_posted) {
    base_t blocks[10];
    pthread_t thread;
    for (int i = 0; i < 10; i++)
        blocks[i] = take(HAK_CLASS_OF_48);
    ck_assert_uint_eq(take_figures().posted_blocks, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, give_ten, blocks), 0);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(take_figures().posted_blocks, 10);
}

static pthread_barrier_t barrier;

static void *hold_some(void *class_index) {
    unsigned c = (unsigned)(uintptr_t)class_index;
    base_t blocks[10];
    hak_front_start();
    for (int i = 0; i < 10; i++)
        blocks[i] = take(c);
    pthread_barrier_wait(&barrier); /* ten live */
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 10; i++)
        give(c, blocks[i]);
    pthread_barrier_wait(&barrier); /* all in this thread's array */
    pthread_barrier_wait(&barrier);
    hak_front_end();
    return NULL;
}

TEST(other_threads_and_ended_ones_are_counted) {
    unsigned c = HAK_CLASS_OF_48;
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, hold_some, (void *)(uintptr_t)c), 0);
    pthread_barrier_wait(&barrier);
    ck_assert_uint_eq(take_figures().live_bytes, 10 * hak_class_bytes(c));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    struct hak_figures given = take_figures();
    ck_assert_uint_eq(given.live_bytes, 0);
    ck_assert_uint_ge(given.cached_blocks, 10);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    struct hak_figures ended = take_figures();
    ck_assert_uint_eq(ended.live_bytes, 0);
    ck_assert_uint_eq(ended.cached_blocks, 0);
}

RUN_TESTS(.set_up = set_up)
