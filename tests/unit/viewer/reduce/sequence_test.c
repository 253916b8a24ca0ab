/* Steps of a sequence. */
#include "viewer/reduce/parts.h"

#include "unit/suite.h"

TEST(numbers_of_a_step_can_be_doubled_and_added) {
    struct sequence sequence = {0};
    struct step step = {.made = {.thread = 1, .block = 1, .a = INT64_MAX, .b = INT64_MIN}};
    ck_assert(sequence_add(&sequence, &step));
    step.made.a = 24;
    step.made.b = -1;
    ck_assert(sequence_add(&sequence, &step));
    ck_assert_int_eq(sequence.step[0].made.a, INT64_C(1) << 56);
    ck_assert_int_eq(sequence.step[0].made.b, -(INT64_C(1) << 56));
    ck_assert_int_eq(sequence.step[1].made.a, 24);
    ck_assert_int_eq(sequence.step[1].made.b, -1);
    sequence_free(&sequence);
}

RUN_TESTS()
