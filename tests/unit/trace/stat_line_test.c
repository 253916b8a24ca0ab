/* The line of /proc/PID/stat, whatever the process calls itself. */
#include "trace/stat_line.h"
#include "../suite.h"

#define REST                                                                                       \
    " S 34 1 1 0 -1 4194560 1 2 3 4 50 60 7 8 20 0 1 0 98765 1000 200 18446744073709551615 1 1 0 " \
    "0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 139\n"

static void is_read(const char *line) {
    uint64_t value = 0;
    ck_assert_int_eq(*hak_stat_at(line, HAK_STAT_STATE), 'S');
    ck_assert(hak_stat_number(line, HAK_STAT_PARENT, &value));
    ck_assert_uint_eq(value, 34);
    ck_assert(hak_stat_number(line, HAK_STAT_USER_TICKS, &value));
    ck_assert_uint_eq(value, 50);
    ck_assert(hak_stat_number(line, HAK_STAT_KERNEL_TICKS, &value));
    ck_assert_uint_eq(value, 60);
    ck_assert(hak_stat_number(line, HAK_STAT_START_TIME, &value));
    ck_assert_uint_eq(value, 98765);
    ck_assert(hak_stat_number(line, HAK_STAT_EXIT_CODE, &value));
    ck_assert_uint_eq(value, 139);
    ck_assert_int_eq(hak_stat_pid(line), 12);
}

TEST(the_last_parenthesis_ends_the_name) {
    is_read("12 (sh)" REST);
    is_read("12 (a) R 9 (b))" REST);
    is_read("12 () Z 1 2 ) )" REST);
    is_read("12 (a b c)" REST);
    is_read("12 (\n) R 1)" REST);
}

TEST(what_is_not_there_is_not_read) {
    uint64_t value = 7;
    ck_assert(!hak_stat_number("12 (a S 1", HAK_STAT_PARENT, &value));
    ck_assert(!hak_stat_number("12 (a) S", HAK_STAT_PARENT, &value));
    ck_assert(!hak_stat_number("12 (a) S ", HAK_STAT_PARENT, &value));
    ck_assert(!hak_stat_number("12 (a) S -1", HAK_STAT_PARENT, &value));
    ck_assert(!hak_stat_number("", HAK_STAT_PARENT, &value));
    ck_assert_ptr_null(hak_stat_at("12 (a) ", HAK_STAT_STATE));
    ck_assert_ptr_null(hak_stat_at("12 (a)", HAK_STAT_STATE));
    ck_assert_uint_eq(value, 7);
    ck_assert_int_eq(hak_stat_pid(""), 0);
    ck_assert_int_eq(hak_stat_pid("self"), 0);
}

RUN_TESTS()
