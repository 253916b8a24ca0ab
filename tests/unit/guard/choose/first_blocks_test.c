/* The blocks of a site that are guarded, with much time and memory, with little, and with none. */
#include "guard/choose/first_blocks.h"

#include "guarded/guarded.h"
#include "unit/guard/world.h"

enum { NEW_SITES = 160, PAGES = 192 /* that may be open with 1 MiB */ };

static void begin(unsigned most) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    hak_options.guard_memory_bytes = 1 << 20;
    hak_sites_start(most, HAK_SITES_CREDIT);
}

/* Number of blocks that so many new sites have, all of them together. */
static unsigned take_of_new(unsigned sites) {
    static uint32_t next = 100;
    unsigned taken = 0;
    for (unsigned i = 0; i < sites; i++, next++)
        while (hak_site_take(next).number)
            taken++;
    return taken;
}

TEST(the_first_blocks_of_a_site_are_taken) {
    begin(4);
    for (uint32_t stack = 5; stack < 8; stack++)
        for (unsigned i = 0; i < 9; i++) {
            ck_assert_int_eq(hak_site_is_done(stack), i >= 4);
            ck_assert_uint_eq(hak_site_take(stack).number, i < 4 ? i + 1 : 0);
        }
    ck_assert(hak_site_is_done(5 + HAK_SITES)); /* the same low bits */
    ck_assert(!hak_site_is_done(9));
    hak_sites_start(HAK_SITE_MOST_BLOCKS, HAK_SITES_CREDIT);
    ck_assert(!hak_site_is_done(5));
    ck_assert_uint_eq(take_of_new(1), HAK_SITE_MOST_BLOCKS);
}

/* One charge is a 67th of the credit, whatever it took. */
static void charge(unsigned times) {
    for (unsigned i = 0; i < times; i++)
        hak_sites_charge((uint64_t)1 << 40);
}

/* One of each 16th new site: each asks once or twice. */
static void take_of_few(void) {
    unsigned taken = take_of_new(NEW_SITES);
    ck_assert_uint_ge(taken, NEW_SITES / 16);
    ck_assert_uint_le(taken, NEW_SITES / 8);
}

enum {
    OTHERS = HAK_SITES_EARLY_OTHERS,
    LATER = HAK_SITES_FIRST_OF_ALL - OTHERS, /* first blocks of their sites alone */
};

/* Four of a site, then one. */
TEST(the_first_of_all_blocks_do_not_depend_on_the_time) {
    begin(4);
    charge(200);
    ck_assert_uint_eq(take_of_new(OTHERS / 4), OTHERS);
    ck_assert_uint_eq(take_of_new(LATER), LATER);
    ck_assert_uint_eq(take_of_new(NEW_SITES), 0);
}

TEST(the_first_of_all_blocks_are_early) {
    begin(2);
    for (unsigned i = 0; i < HAK_SITES_FIRST_OF_ALL; i++)
        for (unsigned number = 1; number <= 2; number++) {
            struct hak_site_turn turn = hak_site_take(i);
            ck_assert_uint_eq(turn.number, number);
            ck_assert_int_eq(turn.is_early,
                             i < OTHERS / 2 || (number == 1 && i < OTHERS / 2 + LATER));
        }
}

/* Past the blocks for which the time does not count. */
static void begin_late(void) {
    begin(4);
    ck_assert_uint_eq(take_of_new(OTHERS / 4), OTHERS);
    ck_assert_uint_eq(take_of_new(LATER), 4 * LATER);
}

TEST(as_time_gets_short_a_site_has_one_block_then_few_sites_then_none) {
    begin_late();
    charge(30);
    ck_assert_uint_eq(take_of_new(1), 4);
    charge(6);
    ck_assert_uint_eq(take_of_new(10), 10);
    charge(18);
    ck_assert_uint_eq(take_of_new(1), 1);
    charge(9);
    take_of_few();
    charge(9);
    ck_assert_uint_eq(take_of_new(NEW_SITES), 0);
    ck_assert_uint_eq(hak_site_take(1).number, 0);
    ck_assert(hak_site_is_done(1)); /* it was passed over */
}

/* A caller that asks in vain took the long way for it. */
TEST(asking_costs_too) {
    begin_late();
    charge(54);
    ck_assert_uint_eq(take_of_new(1), 1);
    charge(6);
    (void)take_of_new(20 * 1000);
    ck_assert_uint_eq(take_of_new(NEW_SITES), 0);
}

/* As many as other blocks that are not the first of their site, and then within the credit. */
TEST(a_block_that_moves_is_free_at_first) {
    begin(4);
    for (unsigned i = 0; i < OTHERS; i++)
        ck_assert_int_eq(hak_sites_take_moved(), HAK_SITE_MOVE_FREE);
    ck_assert_int_eq(hak_sites_take_moved(), HAK_SITE_MOVE_CHARGED);
    charge(200);
    ck_assert_int_eq(hak_sites_take_moved(), HAK_SITE_MOVE_NONE);
}

/* The mean time of some closings is charged with an opening. */
TEST(closing_is_charged_too) {
    begin_late();
    for (unsigned i = 0; i < 100; i++)
        hak_sites_note_closing(400000);
    for (unsigned i = 0; i < 10; i++)
        hak_sites_charge(0);
    ck_assert_int_eq(hak_sites_take_moved(), HAK_SITE_MOVE_CHARGED);
    for (unsigned i = 0; i < 90; i++)
        hak_sites_charge(0);
    ck_assert_int_ne(hak_sites_take_moved(), HAK_SITE_MOVE_CHARGED);
}

/* Every few seconds, while nobody takes a block. */
TEST(a_site_has_another_turn_later) {
    hak_ticks_stand_still = hak_ticks();
    begin(2);
    ck_assert_uint_eq(take_of_new(1), 2);
    ck_assert_uint_eq(hak_site_take(7).number, 1);
    ck_assert_uint_eq(hak_site_take(7).number, 2);
    hak_ticks_stand_still += (uint64_t)1 << 33;
    (void)hak_site_take(8);
    ck_assert(hak_site_is_done(7));
    hak_ticks_stand_still += (uint64_t)1 << 34;
    hak_sites_look(hak_ticks());
    ck_assert_uint_eq(hak_site_take(7).number, 2);
    ck_assert_uint_eq(hak_site_take(7).number, 0);
}

static struct hak_large *open_pages[PAGES];

static void open_until(unsigned *open, unsigned count) {
    for (; *open < count; ++*open) {
        open_pages[*open] = hak_guarded_take(4096, HAK_GUARDED_AFTER, NULL);
        ck_assert_ptr_nonnull(open_pages[*open]);
    }
}

TEST(as_memory_gets_short_too_and_there_is_another_chance) {
    unsigned open = 0;
    begin(4);
    ck_assert_uint_eq(hak_guarded_left(8), 8);
    open_until(&open, PAGES / 2);
    ck_assert_uint_eq(take_of_new(10), 40);
    open_until(&open, PAGES / 2 + 1);
    ck_assert_uint_eq(take_of_new(10), 10);
    open_until(&open, PAGES);
    ck_assert_uint_eq(hak_guarded_left(8), 0);
    take_of_few();
    ck_assert(!hak_site_take(1).number || !hak_site_take(1).number);
    ck_assert(hak_site_is_done(1));
    while (open)
        hak_guarded_give(open_pages[--open]);
    for (uint64_t from = hak_ticks(); hak_ticks() - from < 30000000;)
        continue;
    (void)hak_site_take(2); /* looks at the clocks */
    ck_assert(!hak_site_is_done(1));
    ck_assert(hak_site_take(1).number);
}

RUN_TESTS()
