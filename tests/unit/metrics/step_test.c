/* The counts of one event: who served a malloc, gos of moves, and what counts nothing. */
#include "../suite.h"
#include "metrics/step.h"
#include "superslab.h"

static struct hak_step step;

static void set_up(void) {
    step = (struct hak_step){0};
}

static int take(unsigned kind, unsigned class_index, unsigned place) {
    struct hak_step_event event = {.amount = 7,
                                   .kind = (uint8_t)kind,
                                   .class_index = (uint8_t)class_index,
                                   .place = (uint8_t)place};
    struct hak_step_counts counts;
    return hak_step_count(&step, &event, &counts) ? (int)counts.metric : -1;
}

static int serve(unsigned class_index) {
    return take(HAK_MALLOC, class_index, HAK_PLACE_FRONT);
}

TEST(serves_from_where_the_block_lay) {
    ck_assert_int_eq(take(HAK_MALLOC, 3, HAK_PLACE_FRONT), HAK_METRIC_SERVED_FRONT);
    ck_assert_int_eq(take(HAK_MALLOC, 3, HAK_PLACE_MAGAZINE), HAK_METRIC_SERVED_MAGAZINE);
    ck_assert_int_eq(take(HAK_REALLOC, 3, HAK_PLACE_MAGAZINE), HAK_METRIC_SERVED_MAGAZINE);
    ck_assert_int_eq(take(HAK_MALLOC, HAK_CLASS_NONE, HAK_PLACE_LARGE), HAK_METRIC_SERVED_LARGE);
}

TEST(counts_what_came_back) {
    ck_assert_int_eq(take(HAK_FREE, 3, HAK_PLACE_FRONT), HAK_METRIC_GIVEN_FRONT);
    ck_assert_int_eq(take(HAK_FREE, 3, HAK_PLACE_REMOTE), HAK_METRIC_GIVEN_REMOTE);
    ck_assert_int_eq(take(HAK_REALLOC_FROM, 3, HAK_PLACE_LARGE), HAK_METRIC_GIVEN_LARGE);
    ck_assert_int_eq(take(HAK_REALLOC, 3, HAK_PLACE_LIVE), HAK_METRIC_RESIZED);
}

TEST(names_the_deepest_layer_of_a_call) {
    take(HAK_FRONT_REFILL, 3, HAK_PLACE_FRONT);
    ck_assert_int_eq(serve(3), HAK_METRIC_SERVED_SLAB);
    ck_assert_int_eq(serve(3), HAK_METRIC_SERVED_FRONT);
    take(HAK_SLAB_ACQUIRE, 3, 0);
    take(HAK_FRONT_REFILL, 3, HAK_PLACE_FRONT);
    ck_assert_int_eq(serve(3), HAK_METRIC_SERVED_EMPTY_SLAB);
    take(HAK_SUPERSLAB_MAP, HAK_CLASS_NONE, 0);
    take(HAK_SLAB_ACQUIRE, 3, 0);
    take(HAK_MAGAZINE_FILL, 3, HAK_PLACE_MAGAZINE);
    ck_assert_int_eq(take(HAK_REALLOC, 3, HAK_PLACE_MAGAZINE), HAK_METRIC_SERVED_MAP);
    take(HAK_SUPERSLAB_TAKE, HAK_CLASS_NONE, 0);
    take(HAK_SLAB_ACQUIRE, 3, 0);
    ck_assert_int_eq(serve(3), HAK_METRIC_SERVED_UNUSED_SLAB);
    take(HAK_SLL_POP, 3, HAK_PLACE_MAGAZINE);
    ck_assert_int_eq(take(HAK_MALLOC, 3, HAK_PLACE_MAGAZINE), HAK_METRIC_SERVED_SLL);
}

/* A refill drains what others freed of every class; only a malloc of such a class is served by it.
 */
TEST(asks_for_the_class) {
    take(HAK_DRAIN_FRONT, 3, HAK_PLACE_FRONT);
    take(HAK_DRAIN_FRONT, 9, HAK_PLACE_FRONT);
    take(HAK_DRAIN_FRONT, 5, HAK_PLACE_FRONT);
    struct hak_step before = step;
    ck_assert_int_eq(serve(3), HAK_METRIC_SERVED_REMOTE);
    step = before;
    ck_assert_int_eq(serve(5), HAK_METRIC_SERVED_REMOTE);
    step = before;
    ck_assert_int_eq(serve(4), HAK_METRIC_SERVED_FRONT);
    step = before;
    take(HAK_FRONT_REFILL, 4, HAK_PLACE_FRONT);
    ck_assert_int_eq(serve(4), HAK_METRIC_SERVED_SLAB);
}

TEST(ends_with_the_next_call) {
    take(HAK_FRONT_REFILL, 3, HAK_PLACE_FRONT);
    take(HAK_FREE, 4, HAK_PLACE_FRONT);
    ck_assert_int_eq(serve(3), HAK_METRIC_SERVED_FRONT);
    /* The moves that a free makes behind itself are no part of the malloc after it. */
    take(HAK_FREE, 3, HAK_PLACE_FRONT);
    take(HAK_FRONT_SPILL, 3, HAK_PLACE_SLAB);
    take(HAK_DRAIN_SLAB, 3, HAK_PLACE_SLAB);
    take(HAK_SLAB_RELEASE, 3, 0);
    ck_assert_int_eq(serve(3), HAK_METRIC_SERVED_FRONT);
}

static uint64_t second(unsigned kind, unsigned class_index) {
    struct hak_step_event event = {
        .amount = 64, .kind = (uint8_t)kind, .class_index = (uint8_t)class_index};
    struct hak_step_counts counts = {0};
    ck_assert(hak_step_count(&step, &event, &counts));
    return counts.second_amount;
}

TEST(counts_gos) {
    ck_assert_uint_eq(second(HAK_FRONT_REFILL, 3), 1);
    ck_assert_uint_eq(second(HAK_FRONT_REFILL, 3), 0);
    ck_assert_uint_eq(second(HAK_FRONT_REFILL, 3), 0);
    ck_assert_uint_eq(second(HAK_FRONT_REFILL, 4), 1);
    ck_assert_uint_eq(second(HAK_FRONT_SPILL, 4), 1);
    serve(4);
    ck_assert_uint_eq(second(HAK_FRONT_SPILL, 4), 1);
    /* Page calls in the middle of a go do not cut it: the log does not have them. */
    ck_assert_uint_eq(second(HAK_COUNTED_PAGES_MAP, HAK_CLASS_NONE), 64);
    ck_assert_uint_eq(second(HAK_FRONT_SPILL, 4), 0);
    ck_assert_uint_eq(second(HAK_SLAB_ACQUIRE, 4), 64);
}

TEST(leaves_out_what_no_layer_did) {
    struct hak_step_counts counts;
    struct hak_step_event event = {.kind = HAK_FREE, .is_illegal = true};
    ck_assert(!hak_step_count(&step, &event, &counts));
    ck_assert_int_eq(take(HAK_FORK, 3, 0), -1);
    ck_assert_int_eq(take(HAK_FAULT, 3, 0), -1);
    ck_assert_int_eq(take(255, 3, 0), -1);
    ck_assert_int_eq(take(63, 3, 0), -1);
}

TEST(has_a_name_for_each_metric) {
    for (unsigned m = 0; m < HAK_METRICS; m++) {
        ck_assert_ptr_nonnull(hak_metric_name(m));
        for (unsigned other = 0; other < m; other++)
            ck_assert_str_ne(hak_metric_name(m), hak_metric_name(other));
    }
    ck_assert_ptr_null(hak_metric_name(HAK_METRICS));
    ck_assert_str_eq(hak_metric_name(HAK_METRIC_SERVED_FRONT), "served.FRONT");
    ck_assert_str_eq(hak_metric_name(HAK_METRIC_SLL_POP_RUNS), "SLL_POP.runs");
    ck_assert_str_eq(hak_metric_name(HAK_METRIC_PAGES_MAP_AMOUNT), "PAGES_MAP.amount");
}

RUN_TESTS(.set_up = set_up)
