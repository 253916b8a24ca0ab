/* The time that a check may spend: charged at once, earned by a share of what passes. */
#include "platform/credit.h"
#include "unit/suite.h"

static const struct hak_credit_terms terms = {.most = 1000, .dearest = 300, .share = 10};

TEST(a_charge_goes_down_at_once_and_has_a_bound) {
    struct hak_credit credit = {.left = 1000};
    hak_credit_charge(&credit, &terms, 100);
    ck_assert_int_eq(hak_credit_left(&credit), 900);
    hak_credit_charge(&credit, &terms, 5000); /* the thread was not running */
    hak_credit_charge(&credit, &terms, UINT64_MAX);
    ck_assert_int_eq(hak_credit_left(&credit), 300);
    hak_credit_charge(&credit, &terms, 299);
    hak_credit_charge(&credit, &terms, 299);
    ck_assert_int_eq(hak_credit_left(&credit), -298);
}

TEST(a_share_is_earned_back_up_to_the_bound) {
    struct hak_credit credit = {.left = -5};
    ck_assert_uint_eq(hak_credit_earn(&credit, &terms, 100), 100);
    ck_assert_int_eq(hak_credit_left(&credit), 5);
    ck_assert_uint_eq(hak_credit_earn(&credit, &terms, 1000000), 1000000);
    ck_assert_int_eq(hak_credit_left(&credit), 1000);
    (void)hak_credit_earn(&credit, &terms, UINT64_MAX);
    ck_assert_int_eq(hak_credit_left(&credit), 1000);
    credit.left = 1234; /* more than may be saved up */
    (void)hak_credit_earn(&credit, &terms, 1);
    ck_assert_int_eq(hak_credit_left(&credit), 1000);
}

/* Frequent looks earn as much as rare ones. */
TEST(what_is_too_little_counts_the_next_time) {
    struct hak_credit credit = {.left = 0};
    uint64_t seen = 0;
    for (uint64_t now = 0; now <= 1003; now += 7)
        seen += hak_credit_earn(&credit, &terms, now - seen);
    ck_assert_int_eq(hak_credit_left(&credit), 100);
}

RUN_TESTS()
