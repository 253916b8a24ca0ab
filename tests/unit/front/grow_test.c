/* Capacities that move: hot classes get more places up to their bounds, cold ones lose them, and
 * learning sets them for one thread. */
#include <pthread.h>
#include "unit/front/fronts.h"

enum { C64 = HAK_CLASS_OF_64, C1024 = HAK_CLASS_OF_1024, MOST = 6000 };

static base_t blocks[MOST];

/* Takes and gives `count` blocks `rounds` times. */
static void swing(unsigned class_index, unsigned count, unsigned rounds) {
    for (unsigned r = 0; r < rounds; r++) {
        for (unsigned i = 0; i < count; i++)
            blocks[i] = take(class_index);
        for (unsigned i = 0; i < count; i++)
            give(class_index, blocks[i]);
    }
}

/* The same a few times as if there had been many more before. */
static void swing_hot(unsigned class_index, unsigned count) {
    for (unsigned r = 0; r < 10; r++) {
        hak_thread.front->array[class_index].turns = 1000;
        swing(class_index, count, 1);
    }
}

/* The same in one period, however slow the machine is; false if one round took longer than that,
 * which ended the period. */
static bool swing_in_a_period(unsigned class_index, unsigned count, unsigned rounds) {
    bool is_one = true;
    for (unsigned r = 0; r < rounds; r++) {
        uint64_t begin = hak_thread.front->decayed_at = hak_ticks();
        swing(class_index, count, 1);
        is_one = is_one && hak_thread.front->decayed_at == begin;
    }
    return is_one;
}

/* Slow paths of the class: what its refills and spills moved. */
static unsigned moved(unsigned class_index) {
    return hak_front_refilled(class_index) + hak_front_spilled(class_index);
}

TEST(a_class_that_swings_gets_an_array_that_holds_the_swing) {
    start_with(NULL, NULL, NULL);
    while (!swing_in_a_period(C64, 1000, 1500) && hak_front_capacity(C64) < 1000) {
    }
    ck_assert_uint_ge(hak_front_capacity(C64), 1000);
    ck_assert_uint_eq(hak_front_capacity(HAK_CLASS_OF_128), HAK_ARRAY_PLACES);
    unsigned before;
    do {
        before = moved(C64);
    } while (!swing_in_a_period(C64, 1000, 20));
    ck_assert_uint_eq(moved(C64), before);
}

TEST(a_class_that_only_takes_or_only_gives_does_not_grow) {
    start_with(NULL, NULL, NULL);
    for (unsigned i = 0; i < MOST; i++)
        blocks[i] = take(C64);
    for (unsigned i = 0; i < MOST; i++)
        give(C64, blocks[i]);
    ck_assert_uint_eq(hak_front_capacity(C64), HAK_ARRAY_PLACES);
}

TEST(a_small_swing_needs_no_more_places) {
    start_with(NULL, NULL, NULL);
    swing(C64, 32, 20000);
    ck_assert_uint_eq(hak_front_capacity(C64), HAK_ARRAY_PLACES);
}

TEST(no_array_holds_more_than_its_bytes_and_places) {
    start_with(NULL, NULL, NULL);
    swing_hot(C64, MOST);
    ck_assert_uint_eq(hak_front_capacity(C64), HAK_ARRAY_MOST);
    swing_hot(C1024, 3000);
    ck_assert_uint_eq(hak_front_capacity(C1024), 1024);
}

TEST(all_arrays_of_a_thread_grow_by_4_mib_at_most) {
    start_with(NULL, NULL, NULL);
    size_t greatest_bytes = 0;
    for (unsigned c = C64; c <= HAK_CLASS_OF_2048; c++) {
        unsigned most = hak_array_most(c);
        swing_hot(c, most + most / 2 < MOST ? most + most / 2 : MOST);
        size_t bytes = hak_thread.front->grown_bytes, sum_bytes = 0;
        for (unsigned d = 0; d < HAK_CLASSES; d++)
            sum_bytes +=
                (hak_front_capacity(d) - hak_thread.front->array[d].start) * hak_class_bytes(d);
        ck_assert_uint_eq(bytes, sum_bytes);
        ck_assert_uint_le(bytes, (size_t)4 << 20);
        greatest_bytes = bytes > greatest_bytes ? bytes : greatest_bytes;
    }
    ck_assert_uint_ge(greatest_bytes, (size_t)3 << 20);
}

TEST(a_capacity_that_was_chosen_stays, .until = 4) {
    static const char *const variables[] = {
        "HAKMEM_TINY_UNIFIED_C3=100", "HAKMEM_TINY_TLS_CLASS_OVERRIDE=C3:64:8",
        "HAKMEM_TINY_PRESET=ultra-tight", "HAKMEM_ALLOC_LEARN=1"};
    start_with(variables[_i], NULL, NULL);
    unsigned before = hak_front_capacity(C64);
    swing(C64, 1000, 1500);
    ck_assert_uint_eq(hak_front_capacity(C64), before);
}

TEST(a_cold_class_loses_half_in_each_period) {
    start_with(NULL, NULL, NULL);
    swing_hot(C64, 1000);
    unsigned capacity = hak_front_capacity(C64);
    hak_arrays_end_period(); /* the one in which it was hot */
    while (capacity > HAK_ARRAY_PLACES) {
        hak_arrays_end_period();
        capacity /= 2;
        ck_assert_uint_eq(hak_front_capacity(C64), capacity);
        ck_assert_uint_le(hak_array_count(C64), capacity);
        ck_assert_uint_eq(count_out(C64), hak_array_count(C64));
    }
    hak_arrays_end_period();
    ck_assert_uint_eq(hak_front_capacity(C64), HAK_ARRAY_PLACES);
    ck_assert_uint_eq(hak_thread.front->grown_bytes, 0);
}

/* The period is real here: a tenth of a second by the time stamp counter. */
TEST(what_is_not_used_shrinks_while_the_thread_goes_on) {
    start_with(NULL, NULL, NULL);
    swing_hot(C64, 1000);
    uint64_t end = hak_ticks() + ((uint64_t)10 << 28);
    while (hak_ticks() < end && hak_front_capacity(C64) > HAK_ARRAY_PLACES)
        swing(HAK_CLASS_OF_8, 200, 1), swing(C1024, 3000, 1);
    ck_assert_uint_eq(hak_front_capacity(C64), HAK_ARRAY_PLACES);
    ck_assert_uint_le(hak_array_count(C64), HAK_ARRAY_PLACES);
}

static void *grow_and_end(void *unused) {
    (void)unused;
    hak_front_start();
    swing_hot(C64, 1000);
    void *heap = hak_thread.heap;
    bool has_grown = hak_front_capacity(C64) >= 1000;
    hak_front_end();
    return has_grown ? heap : NULL;
}

static void *start_again(void *unused) {
    (void)unused;
    hak_front_start();
    void *heap = hak_front_capacity(C64) == HAK_ARRAY_PLACES && hak_array_count(C64) == 0
                     ? hak_thread.heap
                     : NULL;
    swing_hot(C64, 1000);
    hak_front_end();
    return heap;
}

TEST(the_next_thread_of_a_heap_begins_small) {
    start_with(NULL, NULL, NULL);
    void *first, *second;
    pthread_t thread;
    pthread_create(&thread, NULL, grow_and_end, NULL);
    pthread_join(thread, &first);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(((struct hak_heap *)first)->room);
    pthread_create(&thread, NULL, start_again, NULL);
    pthread_join(thread, &second);
    ck_assert_ptr_eq(first, second);
}

/* ---- learning -------------------------------------------------------------------------------- */

TEST(learning_sets_a_capacity_for_its_thread, .until = 2) {
    start_with("HAKMEM_ALLOC_LEARN=1", _i ? "HAKMEM_TINY_MAGAZINE_ENABLE=1" : NULL, NULL);
    swing(C64, 60, 1);
    ck_assert_uint_eq(hak_front_resize(C64, 10, 4), 10);
    ck_assert_uint_eq(hak_front_capacity(C64), 10);
    ck_assert_uint_eq(hak_front_batch(C64), 4);
    ck_assert_uint_le(hak_front_blocks(C64), 10);
    ck_assert_uint_eq(hak_front_resize(C64, 300, 0), 300);
    swing(C64, 280, 2);
    ck_assert_uint_ge(hak_front_blocks(C64), 150);
    ck_assert_uint_eq(hak_front_resize(C64, 1 << 20, 0), _i ? 512 : HAK_ARRAY_MOST);
    swing(C64, MOST, 2);
    ck_assert_uint_le(hak_front_blocks(C64), hak_front_capacity(C64));
    hak_front_end();
}

static unsigned looks;
static void look(void) {
    looks++;
    (void)hak_front_resize(C64, looks % 2 ? 500 : 5, 0);
    *hak_front_learner() = &looks;
}

TEST(learning_looks_every_few_slow_paths_and_may_resize) {
    start_with("HAKMEM_ALLOC_LEARN=1", NULL, NULL);
    ck_assert_ptr_null(*hak_front_learner());
    hak_front_look = look;
    swing(C64, 1000, 100);
    ck_assert_uint_gt(looks, 10);
    ck_assert_ptr_eq(*hak_front_learner(), &looks);
    ck_assert_uint_eq(count_out(C64), hak_array_count(C64));
}

RUN_TESTS()
