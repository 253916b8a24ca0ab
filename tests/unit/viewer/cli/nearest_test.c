/* Suggests the nearest known word for an unknown one, and nothing where none is near. */
#include <string.h>
#include "viewer/cli/cli.h"
#include "unit/suite.h"

static const char *best(const char *typed) {
    static const char *const known[] = {"faults",  "events",  "block", "why",
                                        "HKM-101", "HKM-401", "",      "tls-sll-hdr-reset"};
    struct nearest nearest = {.typed = typed};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        nearest_offer(&nearest, known[i]);
    return nearest.best ? nearest.best : "-";
}

TEST(near_words_are_found) {
    ck_assert_str_eq(best("fault"), "faults");
    ck_assert_str_eq(best("fualts"), "faults");
    ck_assert_str_eq(best("EVNTS"), "events");
    ck_assert_str_eq(best("tls"), "tls-sll-hdr-reset");
    ck_assert_str_eq(best("hkm-405"), "HKM-401");
    ck_assert_str_eq(best("hkm-105"), "HKM-101");
}

TEST(nothing_is_made_up) {
    char name[400];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_str_eq(best(name), "-");
    ck_assert_str_eq(best("nonsense"), "-");
    ck_assert_str_eq(best(""), "-");
    ck_assert_str_eq(best("ab"), "-");
    struct nearest none = {.typed = "x"}, near = {.typed = "jsn"};
    nearest_offer(&near, "json");
    ck_assert_str_eq(nearest_words(&none, "--"), "");
    ck_assert_str_eq(nearest_words(&near, "--"), "; did you mean '--json'?");
}

RUN_TESTS()
