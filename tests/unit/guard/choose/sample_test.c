/* Which calls of level light get a guarded block: by counts, by site, by what blocks have cost. */
#include "guard/choose/sample.h"
#include <time.h>
#include "platform/platform.h"
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
        site = hak_sample_look(call);
    return site;
}

START_TEST(every_call_is_looked_at_where_all_blocks_are_guarded) {
    begin("all");
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(hak_sample_interval(), 1);
        ck_assert_uint_ne(hak_sample_look(&callers[0]), 0);
    }
}
END_TEST

START_TEST(one_in_so_many_calls_is_looked_at_and_no_loop_keeps_step) {
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
    ck_assert_uint_ne(hak_sample_look(&callers[0]), 0);
}
END_TEST

START_TEST(nothing_is_guarded_where_that_is_off) {
    begin("off");
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(hak_sample_look(&callers[0]), 0);
}
END_TEST

START_TEST(registers_have_a_share_of_the_time) {
    begin("sample:0");
    ck_assert(!hak_sample_may_watch()); /* nothing was earned yet */
    while (!hak_sample_may_watch() && clock() < 5 * CLOCKS_PER_SEC)
        (void)hak_sample_look(&callers[0]);
    ck_assert(hak_sample_may_watch());
    for (int i = 0; i < TIMES_DEAR; i++)
        hak_sample_watched(DEAR_TICKS);
    ck_assert(!hak_sample_may_watch());
    begin("sample:7");
    ck_assert(hak_sample_may_watch()); /* whatever it costs */
}
END_TEST

START_TEST(calls_are_counted_by_their_intervals) {
    begin("sample:7");
    uint64_t before = hak_sample_calls(), due = 0;
    for (int i = 0; i < 50; i++) {
        due += hak_sample_interval();
        (void)hak_sample_look(&callers[1]);
    }
    ck_assert_uint_eq(hak_sample_calls() - before, due);
}
END_TEST

START_TEST(a_site_has_few_guarded_blocks_that_live) {
    begin("sample:0");
    uint32_t site = 0;
    for (int i = 0; i < HAK_SAMPLE_SITE_LIVE; i++) {
        site = look_until_one_is_guarded(&callers[2]);
        ck_assert_uint_ne(site, 0);
        hak_sample_taken(site, 0);
    }
    ck_assert_uint_eq(hak_sample_blocks(), HAK_SAMPLE_SITE_LIVE);
    ck_assert_uint_eq(hak_sample_look(&callers[2]), 0);
    ck_assert_uint_ne(look_until_one_is_guarded(&callers[3]), 0);
    hak_sample_given(site, 0);
    ck_assert_uint_eq(look_until_one_is_guarded(&callers[2]), site);
}
END_TEST

START_TEST(what_blocks_cost_keeps_a_busy_site_waiting_and_not_a_new_one) {
    begin("sample:0");
    for (int i = 0; i < BUSY_LOOKS; i++)
        (void)hak_sample_look(&callers[0]);
    uint32_t site = look_until_one_is_guarded(&callers[0]);
    ck_assert_uint_ne(site, 0);
    for (int i = 0; i < TIMES_DEAR; i++) {
        hak_sample_taken(site, DEAR_TICKS);
        hak_sample_given(site, 0);
    }
    ck_assert_uint_eq(hak_sample_look(&callers[0]), 0);
    ck_assert_uint_ne(hak_sample_look(&callers[1]), 0);
}
END_TEST

START_TEST(a_new_site_waits_too_where_they_have_spent_all) {
    begin("sample:0");
    for (int i = 0; i < BUSY_LOOKS; i++)
        (void)hak_sample_look(&callers[0]);
    for (int i = 0; i < 2 * TIMES_DEAR; i++) {
        uint32_t site = hak_sample_look(&callers[i % 3 + 1]);
        if (!site)
            return;
        hak_sample_taken(site, DEAR_TICKS);
        hak_sample_given(site, 0);
    }
    ck_abort_msg("new sites were guarded whatever it cost");
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, every_call_is_looked_at_where_all_blocks_are_guarded);
    tcase_add_test(cases, one_in_so_many_calls_is_looked_at_and_no_loop_keeps_step);
    tcase_add_test(cases, nothing_is_guarded_where_that_is_off);
    tcase_add_test(cases, registers_have_a_share_of_the_time);
    tcase_add_test(cases, calls_are_counted_by_their_intervals);
    tcase_add_test(cases, a_site_has_few_guarded_blocks_that_live);
    tcase_add_test(cases, what_blocks_cost_keeps_a_busy_site_waiting_and_not_a_new_one);
    tcase_add_test(cases, a_new_site_waits_too_where_they_have_spent_all);
    return run_cases("guard/sample", cases);
}
