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
