/* Pages that hakmem has mapped are noted, taken back and found again. */
#include "platform/own.h"

#include <stdlib.h>
#include "unit/suite.h"

enum { PAGE = 4096 };

static const uintptr_t somewhere = (uintptr_t)0x123456 << 20;

static void note(uintptr_t first_page, size_t pages, bool is_own) {
    hak_own_note((const void *)(somewhere + first_page * PAGE), pages * PAGE, is_own);
}

static uintptr_t next(uintptr_t from_page, uintptr_t end_page, bool is_own) {
    uintptr_t found =
        hak_own_next(somewhere + from_page * PAGE, somewhere + end_page * PAGE, is_own);
    return (found - somewhere) / PAGE;
}

TEST(ranges_of_any_length_are_found) {
    note(3, 1, true);
    note(60, 10, true);
    note(200, 1000, true);
    ck_assert_uint_eq(next(0, 2000, true), 3);
    ck_assert_uint_eq(next(3, 2000, false), 4);
    ck_assert_uint_eq(next(4, 2000, true), 60);
    ck_assert_uint_eq(next(60, 2000, false), 70);
    ck_assert_uint_eq(next(65, 2000, true), 65);
    ck_assert_uint_eq(next(70, 2000, true), 200);
    ck_assert_uint_eq(next(200, 2000, false), 1200);
    ck_assert_uint_eq(next(1200, 2000, true), 2000);
    note(3, 1197, false);
    ck_assert_uint_eq(next(0, 2000, true), 2000);
}

TEST(a_part_may_be_taken_back) {
    note(100, 300, true);
    note(150, 100, false);
    ck_assert_uint_eq(next(100, 500, false), 150);
    ck_assert_uint_eq(next(150, 500, true), 250);
    ck_assert_uint_eq(next(250, 500, false), 400);
    note(100, 300, false);
}

TEST(ends_within_a_page_are_kept) {
    note(10, 1, true);
    uintptr_t inside = somewhere + 10 * PAGE + 100;
    ck_assert_uint_eq(hak_own_next(inside, inside + 50, true), inside);
    ck_assert_uint_eq(hak_own_next(inside, inside + 50, false), inside + 50);
    ck_assert_uint_eq(hak_own_next(inside - 200, inside + 50, true), somewhere + 10 * PAGE);
    note(10, 1, false);
}

TEST(any_address_may_be_asked_about) {
    uintptr_t end = (uintptr_t)1 << HAK_ADDRESS_BITS;
    ck_assert_uint_eq(hak_own_next(0, PAGE, true), PAGE);
    ck_assert_uint_eq(hak_own_next(0, PAGE, false), 0);
    ck_assert_uint_eq(hak_own_next(end - PAGE, end, true), end);
    ck_assert_uint_eq(hak_own_next(end, end + PAGE, false), end);
    hak_own_note((const void *)end, PAGE, true); /* no user address: left out */
    ck_assert_uint_eq(hak_own_next(end, end + PAGE, true), end + PAGE);
}

TEST(nothing_is_noted_once_it_is_stopped) {
    note(1, 1, true);
    hak_own_stop();
    note(10, 1, true);
    ck_assert_uint_eq(next(5, 20, true), 20);
    ck_assert_uint_eq(next(1, 20, true), 1);
}

RUN_TESTS()
