/* Allocation learning: fronts that are emptied and filled in turns grow, fronts that nobody uses
 * shrink, and nothing happens without the variable or before a window is over. */
#include "unit/learn/learning.h"

static void start(const char *window, const char *rate, const char *more) {
    char *environment[] = {"HAKMEM_ALLOC_LEARN=1", (char *)window, (char *)rate, (char *)more,
                           NULL};
    hak_options_read(environment);
    hak_registry_start(true);
    hak_learn_start();
    hak_route_start();
    hak_front_start();
}

TEST(what_goes_out_and_comes_back_makes_a_front_grow) {
    start("HAKMEM_ALLOC_LEARN_WINDOW=1000", "HAKMEM_ALLOC_LEARN_RATE=0.1", NULL);
    unsigned before = hak_front_capacity(HAK_CLASS_OF_64);
    use(HAK_CLASS_OF_64, 400, 200);
    unsigned after = hak_front_capacity(HAK_CLASS_OF_64);
    ck_assert_uint_gt(after, before);
    /* As much as the program holds at once is enough: then nothing moves any more. */
    use(HAK_CLASS_OF_64, 400, 1000);
    uint32_t moved = hak_front_refilled(HAK_CLASS_OF_64);
    use(HAK_CLASS_OF_64, 400, 100);
    ck_assert_uint_eq(hak_front_refilled(HAK_CLASS_OF_64), moved);
    ck_assert_uint_le(hak_front_capacity(HAK_CLASS_OF_64) * 64, 64 << 10);
}

TEST(a_step_goes_as_far_as_the_rate_says) {
    start("HAKMEM_ALLOC_LEARN_WINDOW=2000", "HAKMEM_ALLOC_LEARN_RATE=1", NULL);
    uint64_t windows = learned().windows;
    while (learned().windows == windows)
        use(HAK_CLASS_OF_64, 300, 1);
    /* All that came back in the window, 64 KiB at most. */
    ck_assert_uint_ge(hak_front_capacity(HAK_CLASS_OF_64), 500);
    ck_assert_uint_le(hak_front_capacity(HAK_CLASS_OF_64), 1024);
}

TEST(a_small_rate_takes_small_steps) {
    start("HAKMEM_ALLOC_LEARN_WINDOW=2000", "HAKMEM_ALLOC_LEARN_RATE=0", NULL);
    unsigned before = hak_front_capacity(HAK_CLASS_OF_64);
    uint64_t windows = learned().windows;
    while (learned().windows == windows)
        use(HAK_CLASS_OF_64, 300, 1);
    ck_assert_uint_eq(hak_front_capacity(HAK_CLASS_OF_64), before + 2);
}

TEST(what_nobody_uses_shrinks_and_gives_its_blocks_away) {
    start("HAKMEM_ALLOC_LEARN_WINDOW=1000", "HAKMEM_ALLOC_LEARN_RATE=0.2", NULL);
    use(HAK_CLASS_OF_1024, 60, 4);
    unsigned held = hak_front_blocks(HAK_CLASS_OF_1024),
             had = hak_front_capacity(HAK_CLASS_OF_1024);
    ck_assert_uint_gt(held, 16);
    use(HAK_CLASS_OF_2048, 400, 200);
    ck_assert_uint_le(hak_front_capacity(HAK_CLASS_OF_1024), 4);
    ck_assert_uint_le(hak_front_blocks(HAK_CLASS_OF_1024), 4);
    /* Used again, it comes back. */
    use(HAK_CLASS_OF_1024, 60, 400);
    ck_assert_uint_gt(hak_front_capacity(HAK_CLASS_OF_1024), had / 2);
}

/* A front that serves all calls by itself shrinks, until it would not any more. */
TEST(a_front_keeps_what_its_calls_need) {
    start("HAKMEM_ALLOC_LEARN_WINDOW=1000", "HAKMEM_ALLOC_LEARN_RATE=0.1", NULL);
    for (unsigned i = 0; i < 300; i++) {
        use(HAK_CLASS_OF_32, 40, 1);
        use(HAK_CLASS_OF_2048, 400, 5);
    }
    ck_assert_uint_ge(hak_front_capacity(HAK_CLASS_OF_32), 30);
    ck_assert_uint_le(hak_front_capacity(HAK_CLASS_OF_32), 128);
}

TEST(a_program_that_only_takes_needs_no_more_places) {
    start("HAKMEM_ALLOC_LEARN_WINDOW=1000", "HAKMEM_ALLOC_LEARN_RATE=0.5", NULL);
    unsigned before = hak_front_capacity(HAK_CLASS_OF_64);
    uint64_t windows = learned().windows;
    for (unsigned i = 0; i < 100000; i++)
        ck_assert_ptr_nonnull(take(HAK_CLASS_OF_64).p);
    ck_assert_uint_gt(learned().windows, windows);
    ck_assert_uint_eq(hak_front_capacity(HAK_CLASS_OF_64), before);
}

TEST(advanced_refills_more_where_a_program_only_takes) {
    start("HAKMEM_ALLOC_LEARN_WINDOW=1000", "HAKMEM_ALLOC_LEARN_RATE=0.5",
          "HAKMEM_LEARN_ADVANCED=1");
    for (unsigned i = 0; i < 20000; i++)
        (void)take(HAK_CLASS_OF_64);
    ck_assert_uint_eq(hak_front_batch(HAK_CLASS_OF_64), hak_front_capacity(HAK_CLASS_OF_64));
    use(HAK_CLASS_OF_64, 400, 50);
    ck_assert_uint_eq(hak_front_batch(HAK_CLASS_OF_64), hak_front_capacity(HAK_CLASS_OF_64) / 2);
}

TEST(a_window_is_at_least_as_long_as_asked_for) {
    start("HAKMEM_ALLOC_LEARN_WINDOW=100000", "HAKMEM_ALLOC_LEARN_RATE=0.5", NULL);
    uint64_t windows = learned().windows;
    use(HAK_CLASS_OF_1024, 150, 100); /* 30,000 calls */
    ck_assert_uint_eq(learned().windows, windows);
    use(HAK_CLASS_OF_1024, 150, 4000);
    ck_assert_uint_gt(learned().windows, windows);
}

TEST(without_the_variable_nothing_is_learned) {
    start_with(NULL, NULL, NULL);
    hak_learn_start();
    use(HAK_CLASS_OF_64, 400, 300);
    ck_assert_uint_eq(learned().windows, 0);
    ck_assert_ptr_null(*hak_front_learner());
}

RUN_TESTS()
