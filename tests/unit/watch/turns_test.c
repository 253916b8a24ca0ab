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

/* A newest block of so many bytes: where there is slack behind it, and then its front. Its
 * registers are noted in `stands`, as its bytes: in front of it below 0. */
static int stands[HAK_WATCH_REGISTERS];
static void come(struct hak_watch_turns *turns, unsigned count, int bytes, uint64_t now) {
    unsigned oddness = hak_watch_oddness((size_t)bytes);
    for (unsigned is_front = bytes % 16 == 0; is_front < 2; is_front++) {
        int index = hak_watch_choose_newest(turns, count, is_front ? 0 : oddness);
        if (index < 0)
            continue;
        ck_assert_int_lt(index, (int)count);
        hak_watch_note_set(turns, (unsigned)index, count, now);
        turns->oddness[index] = (uint8_t)(is_front ? 0 : oddness);
        stands[index] = is_front ? -bytes : bytes;
    }
}

/* How many registers stand behind, or with less than 0 in front of, the block of so many bytes. */
static unsigned registers_at(int bytes) {
    unsigned found = 0;
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++)
        found += stands[i] == bytes;
    return found;
}

TEST(a_size_is_odd_by_its_lowest_bit) {
    const unsigned due[] = {1, 4, 3, 4, 2, 4, 3, 4, 1, 4};
    for (size_t bytes = 0; bytes < sizeof due / sizeof *due; bytes++)
        ck_assert_uint_eq(hak_watch_oddness(bytes), due[bytes]);
    ck_assert_uint_eq(hak_watch_oddness(40), 1);
    ck_assert_uint_eq(hak_watch_oddness(SIZE_MAX), HAK_WATCH_ODDEST);
}

/* Those without slack take nothing from it, however many come. */
TEST(slack_is_kept_while_blocks_without_it_come) {
    struct hak_watch_turns turns = {0};
    come(&turns, 4, 13, start);
    for (int bytes = 32; bytes < 1600; bytes += 16)
        come(&turns, 4, bytes, start + (uint64_t)bytes);
    ck_assert_uint_eq(registers_at(13), 1);
    ck_assert_uint_eq(registers_at(-1584), 1);
    ck_assert_uint_eq(registers_at(-1568) + registers_at(-1552), 2);
}

/* One register of four stays for fronts; of the others the least odd goes first, then the oldest.
 */
TEST(slack_goes_to_blocks_that_are_as_odd) {
    struct hak_watch_turns turns = {0};
    const int sizes[] = {24, 13, 40, 30, 56, 18};
    for (unsigned i = 0; i < 4; i++)
        come(&turns, 4, sizes[i], start + i);
    ck_assert_uint_eq(registers_at(24), 0); /* the older one of 24 and 40 */
    for (unsigned i = 1; i < 4; i++)
        ck_assert_msg(registers_at(sizes[i]) == 1, "%d", sizes[i]);
    ck_assert_uint_eq(registers_at(-30), 1);
    come(&turns, 4, sizes[4], start + 4);
    ck_assert_uint_eq(registers_at(40), 0);
    ck_assert_uint_eq(registers_at(56), 1);
    ck_assert_uint_eq(registers_at(-56), 1);
    come(&turns, 4, sizes[5], start + 5);
    ck_assert_uint_eq(registers_at(18) + registers_at(30) + registers_at(13), 3);
    come(&turns, 4, 72, start + 6); /* less odd than all that stand there */
    ck_assert_uint_eq(registers_at(72), 0);
    ck_assert_uint_eq(registers_at(-72), 1);
    come(&turns, 4, 15, start + 7); /* the least odd, and of them the older one */
    ck_assert_uint_eq(registers_at(30), 0);
    ck_assert_uint_eq(registers_at(15) + registers_at(18) + registers_at(13), 3);
}

TEST(slack_of_a_freed_block_is_free) {
    struct hak_watch_turns turns = {0};
    for (unsigned i = 0; i < 3; i++)
        come(&turns, 4, 13, start + i);
    for (unsigned i = 0; i < 4; i++)
        if (stands[i] == 13)
            hak_watch_note_clear(&turns, i);
    come(&turns, 4, 24, start + 5);
    ck_assert_uint_eq(registers_at(24), 1);
    ck_assert_uint_eq(registers_at(-24), 1);
}

/* A single one stands at slack where there is some. */
TEST(a_single_register_prefers_slack) {
    struct hak_watch_turns turns = {0};
    stands[1] = stands[2] = stands[3] = 0;
    come(&turns, 1, 32, start);
    ck_assert_int_eq(stands[0], -32);
    come(&turns, 1, 13, start + 1);
    ck_assert_int_eq(stands[0], 13);
    come(&turns, 1, 48, start + 2);
    ck_assert_int_eq(stands[0], 13);
}

RUN_TESTS()
