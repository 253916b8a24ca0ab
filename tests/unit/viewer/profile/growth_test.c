/* Finds the end of start-up, the begin of teardown and what still grows, of curves that are drawn
 * here. */
#include <string.h>
#include "unit/suite.h"
#include "viewer/profile/growth.h"

enum { STEPS = 120, ROWS = 3, STEP_NS = 1000 };

static struct timeline_step step[STEPS];
static struct timeline_change change[STEPS * ROWS];
static struct hak_flow_row row[ROWS];
static struct growth growth;
static bool goes_on[ROWS];

/* The bytes that row `r` holds behind step `i`. */
typedef uint64_t (*curve)(int i);

static uint64_t nothing(int i) {
    (void)i;
    return 0;
}
static uint64_t leaks(int i) {
    return 100 * (uint64_t)i;
}
static uint64_t swings(int i) {
    return i % 7 * 5000u;
}
static uint64_t comes_at_once(int i) {
    return i < 70 ? 0 : 50000;
}
static uint64_t fills_up(int i) {
    return i < 90 ? 60000 - (uint64_t)(90 - i) * (uint64_t)(90 - i) : 60000;
}
static uint64_t leaks_and_is_freed(int i) {
    return i < 100 ? 100 * (uint64_t)i : (uint64_t)(STEPS - 1 - i) * 500;
}
static uint64_t is_freed_for_most_of_the_time(int i) {
    return i < 30 ? 1000 * (uint64_t)i : (uint64_t)(STEPS - 1 - i) * 300;
}
static uint64_t was_large_once(int i) {
    return i < 10 ? 90000 : 40;
}

static uint64_t fell_and_rises(int i) {
    return (i < 40 ? 90000 : 0) + 10 * (uint64_t)i;
}
static uint64_t fell_a_little_and_rises(int i) {
    return (i < 40 ? 500 : 0) + 10 * (uint64_t)i;
}

/* Makes a timeline of these curves and asks it. */
static void look(curve a, curve b, curve c) {
    static const uint32_t group_of_row[ROWS] = {0, 1, 2};
    curve curves[ROWS] = {a, b, c};
    uint64_t before[ROWS] = {0};
    uint32_t changes = 0;
    memset(step, 0, sizeof step);
    for (int i = 0; i < STEPS; i++) {
        step[i] = (struct timeline_step){
            .event = 10 * (uint64_t)(i + 1), .ns = STEP_NS * (uint64_t)(i + 1), .first = changes};
        for (uint32_t r = 0; r < ROWS; r++) {
            uint64_t now = curves[r](i);
            step[i].live.bytes += now;
            if (now == before[r])
                continue;
            change[changes] = (struct timeline_change){.row = r};
            if (now > before[r])
                change[changes].came.bytes = now - before[r];
            else
                change[changes].went.bytes = before[r] - now;
            changes++;
            before[r] = now;
        }
        step[i].changes = changes - step[i].first;
    }
    growth = (struct growth){
        .timeline = {
            .flow = {.row = row, .rows = ROWS, .events = 10 * STEPS, .to_ns = STEP_NS * STEPS},
            .step = step,
            .steps = STEPS,
            .change = change,
            .changes = changes}};
    growth_find(&growth);
    ck_assert(growth_find_going_on(&growth, group_of_row, ROWS, goes_on));
}

TEST(without_a_teardown_it_is_the_second_half) {
    look(leaks, swings, comes_at_once);
    ck_assert(!growth.has_teardown || growth.to >= STEPS - 7); /* a swing at the end */
    look(leaks, nothing, comes_at_once);
    ck_assert(!growth.has_teardown);
    ck_assert_int_eq(growth.to, STEPS - 1);
    ck_assert_int_eq(growth.from, STEPS / 2 - 1);
}

TEST(a_teardown_is_left_out) {
    look(leaks_and_is_freed, nothing, nothing);
    ck_assert(growth.has_teardown);
    ck_assert_int_eq(growth.to, 99);
    ck_assert_int_eq(growth.from, 49);
    ck_assert(goes_on[0]);
    look(is_freed_for_most_of_the_time, nothing, nothing);
    ck_assert(growth.has_teardown);
    ck_assert_int_le(growth.to, 30);
    ck_assert(goes_on[0]);
}

TEST(one_that_was_large_and_is_idle_has_none) {
    look(was_large_once, nothing, nothing);
    ck_assert(!growth.has_teardown);
    ck_assert_int_eq(growth.to, STEPS - 1);
    ck_assert(!goes_on[0]);
}

TEST(only_what_rises_all_the_time_still_grows) {
    look(leaks, swings, comes_at_once);
    ck_assert(goes_on[0] && !goes_on[1] && !goes_on[2]);
    look(fills_up, nothing, leaks);
    ck_assert(!goes_on[0] && !goes_on[1] && goes_on[2]);
}

TEST(what_fell_by_more_than_it_rose_does_not_grow) {
    look(leaks, fell_and_rises, fell_a_little_and_rises);
    ck_assert(goes_on[0] && !goes_on[1] && goes_on[2]);
}

TEST(nothing_grows_in_nothing) {
    static const uint32_t group_of_row[ROWS] = {0, 0, UINT32_MAX};
    growth = (struct growth){0};
    growth_find(&growth);
    ck_assert(growth_find_going_on(&growth, group_of_row, 1, goes_on));
    look(nothing, nothing, nothing);
    ck_assert(!growth.has_teardown && !goes_on[0] && !goes_on[1] && !goes_on[2]);
}

RUN_TESTS()
