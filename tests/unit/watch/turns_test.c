/* Moves of registers: how much they may cost, and whose turn it is. */
#include <time.h>
#include <unistd.h>
#include "unit/suite.h"
#include "watch/watch.h"

enum { MOVE_TICKS = 10000, PAUSE_US = 50000, CLOCKS_IN_MS = CLOCKS_PER_SEC / 1000 };
static const uint64_t start = 1000000000, second = 2600000000;

/* Moves as often as may be for `ticks`; returns how many. */
static uint64_t move_for(struct hak_watch_turns *turns, uint64_t *now, uint64_t ticks) {
    uint64_t moves = 0;
    for (uint64_t end = *now + ticks; *now < end; *now += MOVE_TICKS) {
        if (!hak_watch_may_move(turns, *now))
            continue;
        hak_watch_spend(turns, MOVE_TICKS, MOVE_TICKS);
        moves++;
    }
    return moves;
}

/* So many moves in which the thread waits, and runs for `ms`, in each. */
static void move(struct hak_watch_turns *turns, unsigned times, unsigned ms) {
    for (unsigned i = 0; i < times; i++) {
        struct hak_watch_move one;
        hak_watch_begin(turns, &one);
        usleep(PAUSE_US);
        for (clock_t end = clock() + (clock_t)ms * CLOCKS_IN_MS; clock() < end;)
            continue;
        hak_watch_charge(turns, &one);
    }
}

TEST(a_hundredth_of_the_time) {
    struct hak_watch_turns turns = {0};
    uint64_t now = start;
    uint64_t first = move_for(&turns, &now, second), then = move_for(&turns, &now, second);
    ck_assert_uint_gt(first, then); /* the credit */
    ck_assert_uint_le(then, second / 100 / MOVE_TICKS + 1);
    ck_assert_uint_ge(then, second / 100 / MOVE_TICKS - 1);
}

TEST(idle_time_is_not_saved_up) {
    struct hak_watch_turns turns = {0};
    uint64_t now = start;
    (void)move_for(&turns, &now, second);
    now += 1000 * second;
    ck_assert_uint_le(move_for(&turns, &now, second), 2 * second / 100 / MOVE_TICKS);
}

TEST(a_dear_move_is_paid_back) {
    struct hak_watch_turns turns = {0};
    ck_assert(hak_watch_may_move(&turns, start));
    for (unsigned i = 0; i < 10; i++)
        hak_watch_spend(&turns, 1000000, 1000000);
    ck_assert(!hak_watch_may_move(&turns, start + 400000000));
    ck_assert(hak_watch_may_move(&turns, start + 1000000000));
    hak_watch_spend(&turns, 100 * second, 100 * second);
    ck_assert(hak_watch_may_move(&turns, start + 2 * second)); /* at most so much at once */
}

TEST(a_thread_pays_for_what_it_runs) {
    struct hak_watch_turns turns = {0};
    ck_assert(hak_watch_may_move(&turns, start));
    move(&turns, 6, 0);
    ck_assert(hak_watch_may_move(&turns, start));
    move(&turns, 6, 2);
    ck_assert(!hak_watch_may_move(&turns, start));
}

/* The first ones come to pass on a busy machine, too; then threads stand for a hundredth of the
 * time at most. */
TEST(moves_of_a_tracer) {
    struct hak_watch_turns turns = {.is_slow = true};
    ck_assert(hak_watch_may_move(&turns, start));
    move(&turns, 6, 0);
    for (unsigned i = 0; i < 60; i++)
        hak_watch_spend(&turns, second / 10, second / 10000);
    ck_assert(hak_watch_may_move(&turns, start));
    for (unsigned i = 0; i < 60; i++)
        hak_watch_spend(&turns, second / 10000, second / 10000);
    ck_assert(hak_watch_may_move(&turns, start));
    hak_watch_spend(&turns, second / 10, second / 10000);
    ck_assert(!hak_watch_may_move(&turns, start));
    ck_assert(!hak_watch_may_move(&turns, start + second));
    ck_assert(hak_watch_may_move(&turns, start + 10 * second));
    hak_watch_spend(&turns, second / 10, second / 10000);
    ck_assert(!hak_watch_may_move(&turns, start + 11 * second));
}

/* Threads may come at once: the one that looked first may come last. */
TEST(who_looked_earlier_gets_no_credit) {
    struct hak_watch_turns turns = {0};
    uint64_t now = start;
    (void)move_for(&turns, &now, second);
    while (hak_watch_may_move(&turns, now))
        hak_watch_spend(&turns, MOVE_TICKS, MOVE_TICKS);
    ck_assert(!hak_watch_may_move(&turns, now - MOVE_TICKS));
    ck_assert(!hak_watch_may_move(&turns, now));
    ck_assert(hak_watch_may_move(&turns, now + second));
}

TEST(who_watches_nothing_comes_first) {
    struct hak_watch_turns turns = {0};
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(hak_watch_choose(&turns, 4, start + i, false), (int)i);
        hak_watch_note_set(&turns, i, 4, start + i);
    }
    ck_assert_int_eq(hak_watch_choose(&turns, 4, start + 4, false), -1);
    hak_watch_note_clear(&turns, 2);
    ck_assert_int_eq(hak_watch_choose(&turns, 4, start + 4, false), 2);
}

TEST(each_register_has_its_patience) {
    struct hak_watch_turns turns = {0};
    for (unsigned i = 0; i < 4; i++)
        hak_watch_note_set(&turns, i, 4, start + i);
    ck_assert_int_eq(hak_watch_choose(&turns, 4, start + second / 1000, false), 0);
    hak_watch_note_set(&turns, 0, 4, start + second);
    ck_assert_int_eq(hak_watch_choose(&turns, 4, start + second, false), 1);
    hak_watch_note_set(&turns, 1, 4, start + second);
    ck_assert_int_eq(hak_watch_choose(&turns, 4, start + second, false), 2);
    hak_watch_note_set(&turns, 2, 4, start + second);
    ck_assert_int_eq(hak_watch_choose(&turns, 4, start + second, false), 3);
}

TEST(a_new_site_takes_the_oldest) {
    struct hak_watch_turns turns = {0};
    hak_watch_note_set(&turns, 0, 2, start + 5);
    hak_watch_note_set(&turns, 1, 2, start + 3);
    ck_assert_int_eq(hak_watch_choose(&turns, 2, start + 6, false), -1);
    ck_assert_int_eq(hak_watch_choose(&turns, 2, start + 6, true), 1);
}

RUN_TESTS()
