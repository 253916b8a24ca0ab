/* Prewarm: the first thread finds its blocks in its fronts, later ones do not. */
#include <pthread.h>
#include "unit/front/fronts.h"

enum { C32 = HAK_CLASS_OF_32, C64 = HAK_CLASS_OF_64, C128 = HAK_CLASS_OF_128 };

TEST(bands_get_what_was_asked_for) {
    start_with("HAKMEM_TINY_PREWARM_C2=40", "HAKMEM_TINY_PREWARM_C4=1000", NULL);
    ck_assert_uint_eq(hak_array_count(C32), 40);
    ck_assert_uint_eq(hak_array_count(C64), 0);
    ck_assert_uint_eq(hak_array_count(C128), hak_front_capacity(C128));
    unsigned out = count_out(C32);
    char *lowest = take(C32).p;
    for (unsigned i = 1; i < 40; i++)
        ck_assert_ptr_eq(take(C32).p, lowest + i * 32);
    ck_assert_uint_eq(count_out(C32), out);
}

TEST(all_is_for_the_tiny_bands_and_the_greater_number_holds) {
    start_with("HAKMEM_TINY_PREWARM_ALL=10", "HAKMEM_TINY_PREWARM_C3=20", NULL);
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        ck_assert_uint_eq(count_cached(c), hak_class_band[c] > 7    ? 0
                                           : hak_class_band[c] == 3 ? 20
                                                                    : 10);
}

TEST(the_first_front_of_a_chain_is_what_gets_warm, .until = 4) {
    static const struct {
        const char *variable;
        enum hak_place place;
        unsigned blocks;
    } cases[] = {
        {"HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1", HAK_PLACE_ULTRAHOT, 8},
        {"HAKMEM_TINY_FRONT_ENABLE_SFC=1", HAK_PLACE_SFC, 30},
        {"HAKMEM_TINY_MAGAZINE_ENABLE=1", HAK_PLACE_MAGAZINE, 30},
        {"HAKMEM_TINY_HOT_RING_ENABLE=1", HAK_PLACE_RING, 30},
    };
    start_with(cases[_i].variable, "HAKMEM_TINY_PREWARM_C3=30", NULL);
    ck_assert_uint_eq(cache_at(C64, cases[_i].place)->count, cases[_i].blocks);
    ck_assert_uint_eq(count_out(C64), cases[_i].blocks);
}

static void *count_at_start(void *unused) {
    (void)unused;
    hak_front_start();
    return (void *)(uintptr_t)count_cached(C64);
}

TEST(later_threads_begin_empty) {
    start_with("HAKMEM_TINY_PREWARM_ALL=10", NULL, NULL);
    pthread_t thread;
    void *cached;
    pthread_create(&thread, NULL, count_at_start, NULL);
    pthread_join(thread, &cached);
    ck_assert_uint_eq((uintptr_t)cached, 0);
}

RUN_TESTS()
