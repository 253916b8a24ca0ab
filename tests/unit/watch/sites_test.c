/* Sites whose blocks are watched: new ones at once, seldom ones as often as busy ones. */
#include "unit/suite.h"
#include "watch/watch.h"

static struct hak_watch_sites sites;

static void setup(void) {
    sites = (struct hak_watch_sites){.level = 0};
}

TEST(new_until_it_was_watched) {
    ck_assert(hak_watch_is_new(&sites, 7));
    ck_assert(hak_watch_is_turn(&sites, 7));
    ck_assert_uint_eq(hak_watch_count_site(&sites, 7), 0);
    ck_assert(!hak_watch_is_new(&sites, 7));
    ck_assert_uint_eq(hak_watch_count_site(&sites, 7), 1);
}

TEST(a_suspect_stays_new) {
    (void)hak_watch_count_site(&sites, 7);
    ck_assert_ptr_null(hak_watch_suspect_of(&sites, 7));
    ck_assert_ptr_null(hak_watch_suspect_of(&sites, 0));
    hak_watch_suspect(&sites, 7, 2);
    for (int i = 0; i < 3; i++) {
        ck_assert(hak_watch_is_new(&sites, 7));
        (void)hak_watch_count_site(&sites, 7);
    }
    ck_assert_uint_eq(hak_watch_suspect_of(&sites, 7)->side, 2);
    hak_watch_suspect(&sites, 7, 1); /* the latest counts */
    ck_assert_uint_eq(hak_watch_suspect_of(&sites, 7)->side, 1);
    ck_assert_uint_eq(sites.suspect_count, 1);
    for (uint32_t i = 0; i < HAK_WATCH_SUSPECTS; i++)
        hak_watch_suspect(&sites, 100 + i, 0);
    ck_assert_ptr_null(hak_watch_suspect_of(&sites, 7)); /* the oldest goes */
    ck_assert_ptr_nonnull(hak_watch_suspect_of(&sites, 100));
}

/* One busy site and one of whose blocks there is one in twenty. */
TEST(a_seldom_site_as_often) {
    unsigned watched[2] = {0};
    for (unsigned i = 0; i < 100000; i++) {
        unsigned which = i % 20 == 19;
        if (hak_watch_is_turn(&sites, 100 + which)) {
            (void)hak_watch_count_site(&sites, 100 + which);
            watched[which]++;
        }
    }
    ck_assert_uint_gt(watched[0], 1000);
    ck_assert_uint_ge(watched[1] * 10, watched[0] * 9);
}

/* A site that comes alone is not passed over for ever. */
TEST(some_site_is_taken_soon) {
    for (unsigned round = 0; round < 2000; round++) {
        unsigned passed = 0;
        while (!hak_watch_is_turn(&sites, 3))
            ck_assert_uint_lt(++passed, 32);
        (void)hak_watch_count_site(&sites, 3);
    }
    ck_assert(!hak_watch_is_new(&sites, 3));
}

RUN_TESTS(.set_up = setup)
