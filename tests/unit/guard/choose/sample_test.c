/* Calls of level light that get a guarded block: by counts, by site, by what blocks have cost. */
#include "guard/choose/sample.h"
#include <time.h>
#include "platform/platform.h"
#include "platform/run_time.h"
#include "unit/guard/world.h"

enum { DEAR_TICKS = 1 << 20, TIMES_DEAR = 32, BUSY_LOOKS = 1000 };

static void begin(const char *policy) {
    make_world(HAK_CHECK_LIGHT, HAK_LAYOUT_HEADER);
    strcpy(hak_options.guard, policy);
    hak_sample_start();
    (void)hak_sample_interval();
}

/* A site is an address and the place of the stack where the call's return address lies. */
static const void *callers[4] = {"a", "b", "c", "d"};

/* Looks until the thread has run long enough that a block may be guarded, or for five seconds. */
static uint32_t look_until_one_is_guarded(hak_call_t call) {
    uint32_t site = 0;
    while (!site && clock() < 5 * CLOCKS_PER_SEC)
        site = hak_sample_look(call, NULL);
    return site;
}

/* Blocks may be guarded from now on, of any site: the thread has earned it, and none is charged. */
static uint32_t begin_with_credit(void) {
    begin("sample:0");
    for (int i = 0; i < BUSY_LOOKS; i++)
        (void)hak_sample_look(&callers[0], NULL);
    uint32_t site = look_until_one_is_guarded(&callers[0]);
    ck_assert_uint_ne(site, 0);
    return site;
}

TEST(every_call_is_looked_at_where_all_blocks_are_guarded) {
    begin("all");
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(hak_sample_interval(), 1);
        ck_assert_uint_ne(hak_sample_look(&callers[0], NULL), 0);
    }
}

TEST(one_in_so_many_calls_is_looked_at_and_no_loop_keeps_step) {
    uint64_t sum = 0;
    unsigned least = UINT16_MAX, most = 0;
    begin("sample:100");
    for (int i = 0; i < 10000; i++) {
        unsigned interval = hak_sample_interval();
        sum += interval;
        least = interval < least ? interval : least;
        most = interval > most ? interval : most;
    }
    ck_assert_uint_ge(sum / 10000, 97);
    ck_assert_uint_le(sum / 10000, 104);
    ck_assert_uint_ge(least, 50);
    ck_assert_uint_le(least, 55);
    ck_assert_uint_ge(most, 145);
    ck_assert_uint_le(most, 151);
    ck_assert_uint_ne(hak_sample_look(&callers[0], NULL), 0);
}

static double mean_interval(void) {
    double sum = 0;
    for (int i = 0; i < BUSY_LOOKS; i++)
        sum += hak_sample_interval();
    return sum / BUSY_LOOKS;
}

TEST(looks_that_come_fast_come_half_as_often) {
    begin("sample:0");
    double due = HAK_SAMPLE_INTERVAL;
    ck_assert_double_eq_tol(mean_interval(), due, due / 5);
    for (clock_t end = clock() + CLOCKS_PER_SEC / 50; clock() < end;)
        (void)hak_sample_look(&callers[0], NULL);
    ck_assert_double_eq_tol(mean_interval(), 2 * due, due / 5);
}

TEST(nothing_is_guarded_where_that_is_off) {
    begin("off");
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(hak_sample_look(&callers[0], NULL), 0);
}

TEST(registers_have_a_share_of_the_time) {
    begin("sample:0");
    ck_assert(!hak_sample_may_watch()); /* nothing was earned yet */
    while (!hak_sample_may_watch() && clock() < 5 * CLOCKS_PER_SEC)
        (void)hak_sample_look(&callers[0], NULL);
    ck_assert(hak_sample_may_watch());
    for (int i = 0; i < TIMES_DEAR; i++)
        hak_sample_watched(DEAR_TICKS);
    ck_assert(!hak_sample_may_watch());
    for (int i = 0; i < TIMES_DEAR; i++)
        hak_sample_not_watched(DEAR_TICKS);
    ck_assert(hak_sample_may_watch());
    for (int i = 0; i < TIMES_DEAR; i++)
        hak_sample_watched(DEAR_TICKS);
    ck_assert(!hak_sample_may_watch());
    begin("sample:7");
    ck_assert(hak_sample_may_watch()); /* whatever it costs */
}

TEST(calls_that_set_a_register_are_few) {
    begin("sample:0");
    while (!hak_sample_may_watch() && clock() < 5 * CLOCKS_PER_SEC)
        (void)hak_sample_look(&callers[0], NULL);
    ck_assert(hak_sample_may_watch());
    uint64_t from = hak_sample_calls();
    for (int i = 0; i < 1000; i++) /* as at an interval that is fixed: no debt */
        hak_sample_register_set(0);
    while (hak_sample_calls() < from + HAK_SAMPLE_CALLS_OF_REGISTER) {
        ck_assert(!hak_sample_may_watch());
        (void)hak_sample_look(&callers[0], NULL);
    }
    ck_assert(hak_sample_may_watch());
    hak_sample_register_set(0);
    ck_assert(!hak_sample_may_watch());
}

TEST(calls_are_counted_by_their_intervals) {
    begin("sample:7");
    uint64_t before = hak_sample_calls(), due = 0;
    for (int i = 0; i < 50; i++) {
        due += hak_sample_interval();
        (void)hak_sample_look(&callers[1], NULL);
    }
    ck_assert_uint_eq(hak_sample_calls() - before, due);
}

TEST(a_site_has_few_guarded_blocks_that_live) {
    (void)begin_with_credit();
    uint32_t site = look_until_one_is_guarded(&callers[2]);
    ck_assert_uint_ne(site, 0);
    hak_sample_taken(site, 0);
    ck_assert_uint_eq(hak_sample_look(&callers[2], NULL), 0); /* it may keep them all */
    hak_sample_given(site, 0);
    for (int i = 0; i < HAK_SAMPLE_SITE_LIVE; i++) {
        ck_assert_uint_eq(look_until_one_is_guarded(&callers[2]), site);
        hak_sample_taken(site, 0);
    }
    ck_assert_uint_eq(hak_sample_blocks(), HAK_SAMPLE_SITE_LIVE + 1);
    ck_assert_uint_eq(hak_sample_look(&callers[2], NULL), 0);
    ck_assert_uint_ne(look_until_one_is_guarded(&callers[3]), 0);
    hak_sample_given(site, 0);
    ck_assert_uint_eq(look_until_one_is_guarded(&callers[2]), site);
}

TEST(what_blocks_cost_keeps_a_busy_site_waiting_and_not_a_new_one) {
    begin("sample:0");
    for (int i = 0; i < BUSY_LOOKS; i++)
        (void)hak_sample_look(&callers[0], NULL);
    uint32_t site = look_until_one_is_guarded(&callers[0]);
    ck_assert_uint_ne(site, 0);
    for (int i = 0; i < TIMES_DEAR; i++) {
        hak_sample_taken(site, DEAR_TICKS);
        hak_sample_given(site, 0);
    }
    ck_assert_uint_eq(hak_sample_look(&callers[0], NULL), 0);
    ck_assert_uint_ne(hak_sample_look(&callers[1], NULL), 0);
}

/* The debt is that of four blocks at their dearest; a hundredth pays for it in 400 of their times,
 * a two-hundredth would in 800. */
TEST(what_seldom_sites_leave_goes_to_the_others) {
    enum { SAVED = 4, DEBT = 4, DUE = 600 };
    struct hak_run_time ran = {0};
    begin("sample:0");
    (void)hak_ran_ticks(&ran, CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t passed = 0; passed < (uint64_t)1000 * DEAR_TICKS;
         passed += hak_ran_ticks(&ran, CLOCK_THREAD_CPUTIME_ID))
        (void)hak_sample_look(&callers[0], NULL);
    uint32_t site = look_until_one_is_guarded(&callers[0]);
    for (int i = 0; i < SAVED + DEBT; i++)
        hak_sample_taken(site, DEAR_TICKS);
    for (int i = 0; i < SAVED + DEBT; i++)
        hak_sample_given(site, 0);
    (void)hak_ran_ticks(&ran, CLOCK_THREAD_CPUTIME_ID);
    while (!hak_sample_look(&callers[0], NULL))
        continue;
    ck_assert_uint_lt(hak_ran_ticks(&ran, CLOCK_THREAD_CPUTIME_ID), (uint64_t)DUE * DEAR_TICKS);
}

TEST(a_new_site_waits_too_where_they_have_spent_all) {
    begin("sample:0");
    for (int i = 0; i < BUSY_LOOKS; i++)
        (void)hak_sample_look(&callers[0], NULL);
    for (int i = 0; i < 2 * TIMES_DEAR; i++) {
        uint32_t site = hak_sample_look(&callers[i % 3 + 1], NULL);
        if (!site)
            return;
        hak_sample_taken(site, DEAR_TICKS);
        hak_sample_given(site, 0);
    }
    ck_abort_msg("new sites were guarded whatever it cost");
}

enum { DEPTHS = 4096 };
/* Calls from one address, as of a function that many call for their memory, 16 bytes apart. */
static const void *stack[2 * DEPTHS];

static hak_call_t call_at(int depth, const void *from) {
    stack[2 * depth] = from;
    return &stack[2 * depth];
}

TEST(callers_of_one_function_are_sites_of_their_own) {
    static bool is_seen[DEPTHS];
    int different = 0, calls = 400;
    begin("all");
    for (int i = 0; i < calls; i++) {
        uint32_t site = hak_sample_look(call_at(i, "wrapper"), NULL);
        ck_assert_uint_ne(site, 0);
        ck_assert_uint_lt(site, DEPTHS);
        different += !is_seen[site];
        is_seen[site] = true;
    }
    ck_assert_int_ge(different, calls - calls / 50);
}

/* Three functions that the compiler inlined into one: their calls of a wrapper lie at one depth. */
TEST(callers_that_are_inlined_are_sites_of_their_own) {
    uint32_t site[3];
    begin("all");
    for (int i = 0; i < 3; i++) {
        caller_of_call = (uintptr_t)0x7f0000401000 + (unsigned)i * 9;
        site[i] = hak_sample_look(call_at(7, "wrapper"), NULL);
        ck_assert_uint_ne(site[i], 0);
        ck_assert_uint_eq(hak_sample_look(call_at(7, "wrapper"), NULL), site[i]);
    }
    caller_of_call = 0;
    ck_assert(site[0] != site[1] && site[1] != site[2] && site[0] != site[2]);
}

/* Looks of 200 sites that keep what they get. Returns how many got a block. */
static uint32_t keep(void) {
    uint32_t kept = 0;
    for (int i = 0; i < 200; i++) {
        uint32_t site = hak_sample_look(call_at(i, "keeper"), NULL);
        if (!site)
            continue;
        hak_sample_taken(site, 0);
        kept++;
    }
    return kept;
}

TEST(blocks_that_are_kept_leave_places_for_others) {
    uint32_t gives = begin_with_credit();
    hak_sample_taken(gives, 0);
    hak_sample_given(gives, 0);
    uint32_t kept = keep();
    int bits = 64 - __builtin_clzll(hak_sample_calls());
    ck_assert_uint_ge(kept, (uint32_t)(HAK_SAMPLE_EACH_DOUBLING * (bits - 1)));
    ck_assert_uint_le(kept, (uint32_t)(HAK_SAMPLE_EACH_DOUBLING * bits));
    ck_assert_uint_eq(hak_sample_look(&callers[0], NULL), gives);
    ck_assert_uint_eq(hak_sample_look(&callers[1], NULL), 0);
    /* One that comes late has a place after as many calls again, and gives it back. */
    for (uint64_t calls = hak_sample_calls(); hak_sample_calls() < 2 * calls;)
        (void)hak_sample_look(&callers[0], NULL);
    uint32_t late = hak_sample_look(&callers[1], NULL);
    ck_assert_uint_ne(late, 0);
    hak_sample_taken(late, 0);
    hak_sample_given(late, 0);
    kept += keep();
    ck_assert_uint_eq(hak_sample_look(&callers[2], NULL), 0);
    ck_assert_uint_eq(hak_sample_look(&callers[1], NULL), late);
    for (int i = 0; i < 1000; i++) {
        uint32_t site = hak_sample_look(call_at(i, "mixed"), NULL);
        if (!site)
            continue;
        hak_sample_taken(site, 0);
        kept++;
    }
    ck_assert_uint_le(kept, HAK_SAMPLE_LIVE);
}

TEST(a_place_is_free_of_the_site_that_had_it) {
    static const char *names[] = {"a", "b", "c", "d"};
    uint32_t refused = 0;
    (void)begin_with_credit();
    for (int i = 0; i < 4; i++) {
        uint32_t site = hak_sample_look(call_at(i, "keeper"), NULL);
        ck_assert_uint_ne(site, 0);
        hak_sample_taken(site, 0);
    }
    for (int round = 0; round < 2; round++)
        for (size_t name = 0; name < 4; name++)
            for (int i = 0; i < DEPTHS; i++) {
                uint32_t site = hak_sample_look(call_at(i, names[name]), NULL);
                refused += round == 1 && !site;
            }
    ck_assert_uint_eq(refused, 0);
}

RUN_TESTS()
