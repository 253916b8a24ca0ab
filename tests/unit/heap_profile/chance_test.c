/* The chances of the heap profile: logarithms and exponentials beside libm's, gaps by their mean.
 */
#include "heap_profile/chance.h"
#include <math.h>
#include "unit/suite.h"

static uint64_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state ^ *state >> 29;
}

TEST(an_exponential_variate_is_the_logarithm) {
    uint64_t state = 1;
    ck_assert_double_eq(hak_chance_exponential(0), 0);
    ck_assert_double_eq_tol(hak_chance_exponential(UINT64_MAX), 53 * log(2), 1e-9);
    for (int i = 0; i < 10000; i++) {
        uint64_t random = next_random(&state);
        double due = -log(1 - hak_chance_part(random));
        ck_assert_double_eq_tol(hak_chance_exponential(random), due, 1e-10 * (1 + due));
    }
}

TEST(a_chance_of_a_point_is_an_exponential) {
    ck_assert_double_eq(hak_chance_of_point(0), 0);
    ck_assert_double_eq(hak_chance_of_point(1e9), 1);
    for (double x = 1e-9; x < 60; x *= 1.07) {
        double due = -expm1(-x);
        ck_assert_double_eq_tol(hak_chance_of_point(x), due, 1e-11 * due);
    }
}

TEST(each_call_is_a_look_with_the_same_chance) {
    enum { GAPS = 200000, MEAN = 256 };
    uint64_t state = 7, sum = 0, ones = 0, least = UINT64_MAX;
    for (int i = 0; i < GAPS; i++) {
        uint64_t gap = hak_chance_gap(MEAN, UINT16_MAX, next_random(&state));
        sum += gap;
        ones += gap <= 10;
        least = gap < least ? gap : least;
    }
    double error = MEAN / sqrt(GAPS), first_ten = GAPS * (1 - pow(1 - 1.0 / MEAN, 10));
    ck_assert_double_eq_tol((double)sum / GAPS, MEAN, 3 * error);
    ck_assert_double_eq_tol((double)ones, first_ten, 3 * sqrt(first_ten));
    ck_assert_uint_eq(least, 1);
    ck_assert_uint_eq(hak_chance_gap(1, UINT16_MAX, UINT64_MAX), 1);
    ck_assert_uint_eq(hak_chance_gap(UINT16_MAX, UINT16_MAX, UINT64_MAX), UINT16_MAX);
}

RUN_TESTS(.seconds = 60)
