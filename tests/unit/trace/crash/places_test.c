/* Faults of a program that goes on are reported once a place, or once in a time, and none is left
 * out uncounted. */
#include "trace/crash/places.h"
#include "unit/suite.h"

enum { HOUR = 3600, TABLE = 1024 };

static uint64_t unreported;

static bool meet(uint64_t place, uint64_t now, uint64_t every) {
    unreported = 77;
    return hak_places_meet(place, now, every, &unreported);
}

TEST(a_place_is_reported_once) {
    ck_assert(!hak_places_know(5));
    ck_assert(meet(5, 100, 0));
    ck_assert_uint_eq(unreported, 0);
    ck_assert(hak_places_know(5));
    ck_assert(!meet(5, 100 + HOUR, 0));
    ck_assert(!meet(5, UINT64_MAX, 0));
    ck_assert(meet(6, 100, 0));
    ck_assert_uint_eq(hak_places_unreported(), 2);
}

TEST(after_an_hour_it_is_reported_again_with_the_count) {
    ck_assert(meet(5, 100, HOUR));
    for (int i = 0; i < 41; i++)
        ck_assert(!meet(5, 101 + (uint64_t)i, HOUR));
    ck_assert(!meet(5, 99 + HOUR, HOUR));
    ck_assert(!meet(5, 50, HOUR)); /* a clock that went back */
    ck_assert_uint_eq(hak_places_unreported(), 43);
    ck_assert(meet(5, 100 + HOUR, HOUR));
    ck_assert_uint_eq(unreported, 43);
    ck_assert_uint_eq(hak_places_unreported(), 0);
    ck_assert(!meet(5, 99 + 2 * HOUR, HOUR));
    ck_assert(meet(5, 100 + 2 * HOUR, HOUR));
    ck_assert_uint_eq(unreported, 1);
}

TEST(what_is_made_known_is_never_reported) {
    hak_places_add(9);
    ck_assert(hak_places_know(9));
    ck_assert(!meet(9, 1, HOUR));
    ck_assert(!meet(9, 1 + 100 * (uint64_t)HOUR, HOUR));
}

TEST(a_full_table_counts_and_lets_the_oldest_go) {
    for (uint64_t i = 0; i < TABLE; i++)
        ck_assert(meet(1000 + 7 * i, 10 + i, HOUR));
    ck_assert(!meet(1000 + 7, 12, HOUR));
    ck_assert(!meet(1, 20, HOUR));
    ck_assert_uint_eq(hak_places_unreported(), 2);
    ck_assert(meet(1, 11 + HOUR, HOUR)); /* two are over: 1000 goes */
    ck_assert_uint_eq(unreported, 0);
    ck_assert(!hak_places_know(1000));
    ck_assert(hak_places_know(1000 + 7));
    ck_assert(meet(2, 11 + HOUR, HOUR));
    ck_assert(!hak_places_know(1000 + 7));
    ck_assert_uint_eq(hak_places_unreported(), 2); /* what was counted of it is kept */
    ck_assert(!meet(3, 11 + HOUR, HOUR));
    hak_places_add(3); /* no room: it stays unknown */
    ck_assert(!hak_places_know(3));
    ck_assert_uint_eq(hak_places_unreported(), 3);
}

TEST(a_child_counts_its_own) {
    ck_assert(meet(5, 100, HOUR));
    ck_assert(!meet(5, 101, HOUR));
    hak_places_forget_unreported();
    ck_assert_uint_eq(hak_places_unreported(), 0);
    ck_assert(!meet(5, 102, HOUR));
    ck_assert_uint_eq(hak_places_unreported(), 1);
}

RUN_TESTS()
