/* Totals over lives: the median exact for few and near for many, stacks by how often they come. */
#include "viewer/block/lives.h"
#include "unit/store/capture.h"

static struct block_totals totals;

static void start(void) {
    ck_assert(block_totals_init(&totals));
}
static void stop(void) {
    block_totals_free(&totals);
}

static void add_life(uint64_t span, uint32_t stack, uint32_t thread) {
    struct hak_life_row life = {
        .life.birth = {.id = 1, .ns = 1000, .stack = stack, .thread = thread},
        .end = {.id = 2, .ns = 1000 + span, .thread = thread + 1}};
    block_totals_add(&totals, &life);
}

TEST(few_lives_have_an_exact_median) {
    bool is_exact;
    ck_assert_uint_eq(block_totals_median(&totals, &is_exact), 0);
    add_life(7, 1, 1);
    add_life(1000000, 1, 1);
    add_life(31, 1, 1);
    ck_assert_uint_eq(block_totals_median(&totals, &is_exact), 31);
    ck_assert(is_exact);
    ck_assert_uint_eq(totals.shortest_ns, 7);
    ck_assert_uint_eq(totals.longest_ns, 1000000);
    struct hak_life_row open = {.life = {.birth = {.id = 9, .ns = 5}, .largest_size = 300},
                                .moves_before = 2};
    block_totals_add(&totals, &open); /* not ended: it has no span */
    ck_assert_uint_eq(totals.lives, 4);
    ck_assert_uint_eq(totals.ended, 3);
    ck_assert_uint_eq(totals.largest_bytes, 300);
    ck_assert_uint_eq(totals.moves, 2);
    ck_assert_uint_eq(block_totals_median(&totals, &is_exact), 31);
}

TEST(many_lives_have_a_median_near_the_true_one) {
    bool is_exact;
    for (uint64_t i = 0; i < 3 * EXACT_LIVES; i++)
        add_life(i * 1000, 1, 1);
    uint64_t median = block_totals_median(&totals, &is_exact), due = 3 * EXACT_LIVES / 2 * 1000;
    ck_assert(!is_exact);
    ck_assert_msg(median > due / 100 * 97 && median < due / 100 * 103, "%lu for %lu",
                  (unsigned long)median, (unsigned long)due);
    add_life(UINT64_MAX - 1000, 1, 1); /* the greatest span there can be */
    ck_assert_uint_eq(totals.longest_ns, UINT64_MAX - 1000);
}

TEST(stacks_come_by_how_often) {
    struct tally_row most[3];
    for (uint32_t stack = 1; stack <= 10; stack++)
        for (uint32_t i = 0; i < stack; i++)
            add_life(1, stack, 1);
    add_life(1, 0, 1); /* no stack */
    ck_assert_int_eq(block_tally_most(&totals.stacks, most, 3), 3);
    ck_assert_uint_eq(most[0].key, 10);
    ck_assert_uint_eq(most[0].births, 10);
    ck_assert_uint_eq(most[2].key, 8);
    ck_assert_uint_eq(totals.stacks.used, 10);
    ck_assert_uint_eq(totals.threads.used, 2);
}

TEST(more_stacks_than_are_told_apart) {
    struct tally_row most[2];
    for (uint32_t stack = 1; stack <= TALLY_ROWS + 5; stack++)
        add_life(1, stack, 1);
    add_life(1, 1, 1);
    ck_assert(totals.stacks.is_full);
    ck_assert_uint_eq(totals.stacks.used, TALLY_ROWS);
    ck_assert_int_eq(block_tally_most(&totals.stacks, most, 2), 2);
    ck_assert_uint_eq(most[0].key, 1);
    ck_assert_uint_eq(most[0].births, 2);
    ck_assert_uint_eq(most[1].key, 2); /* equal ones by their number */
}

RUN_TESTS(.set_up = start, .tear_down = stop)
