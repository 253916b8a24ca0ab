/* HAKMEM_HEAP_PROFILE_DUMP: its text, and the moments at which a file is due. */
#include "heap_profile/when.h"
#include <string.h>
#include "unit/suite.h"

#define SECOND_NS ((uint64_t)1000000000)
enum { MIB = 1 << 20 };

static struct hak_heap_when when;

/* ---- the text -------------------------------------------------------------------------------- */

TEST(a_folder_and_one_word) {
    ck_assert(hak_heap_when_read("/var/tmp,every=10m", &when));
    ck_assert_uint_eq(when.directory_bytes, strlen("/var/tmp"));
    ck_assert_uint_eq(when.every_ns, 600 * SECOND_NS);
    ck_assert(!when.at_peaks);
    ck_assert_str_eq(when.signal, "");
    ck_assert(hak_heap_when_read("a,peak", &when));
    ck_assert(when.at_peaks);
    ck_assert_uint_eq(when.every_ns, 0);
    ck_assert(hak_heap_when_read("a,signal", &when));
    ck_assert_str_eq(when.signal, "USR2");
}

TEST(words_stand_together) {
    ck_assert(hak_heap_when_read("a b/c=d,signal=SIGRTMIN,peak,every=366d", &when));
    ck_assert_uint_eq(when.directory_bytes, 7);
    ck_assert_uint_eq(when.every_ns, 366 * 86400 * SECOND_NS);
    ck_assert(when.at_peaks);
    ck_assert_str_eq(when.signal, "SIGRTMIN");
}

TEST(anything_else_is_refused) {
    static const char *const wrong[] = {"",
                                        "a",
                                        ",peak",
                                        "a,",
                                        "a,,peak",
                                        "a,peak,",
                                        "a,peaks",
                                        "a,pea",
                                        "a,Peak",
                                        "a,every",
                                        "a,every=",
                                        "a,every=s",
                                        "a,every=0s",
                                        "a,every=00s",
                                        "a,every=10",
                                        "a,every=1 s",
                                        "a,every=1ms",
                                        "a,every=+1s",
                                        "a,every=1.5s",
                                        "a,every=367d",
                                        "a,every=31622401s",
                                        "a,every=18446744073709551617s",
                                        "a,every=99999999999999999999999d",
                                        "a,every=1s,every=1s",
                                        "a,peak,peak",
                                        "a,signal=",
                                        "a,signalUSR2",
                                        "a,signal=USR1,signal",
                                        "a,signal=1234567890123456"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!hak_heap_when_read(wrong[i], &when), "'%s'", wrong[i]);
    ck_assert(hak_heap_when_read("a,signal=123456789012345", &when));
    ck_assert(hak_heap_when_read("a,every=31622400s", &when));
}

/* ---- the moments ----------------------------------------------------------------------------- */

static void start_as(const char *text, uint64_t now_ns) {
    ck_assert(hak_heap_when_read(text, &when));
    hak_heap_when_start(&when, now_ns);
}

TEST(nothing_is_due_unless_it_was_asked_for) {
    ck_assert(!hak_heap_when_is_due(UINT64_MAX - 1, INT64_MAX - 1));
    start_as("a,signal", 5);
    ck_assert(!hak_heap_when_is_due(UINT64_MAX - 1, INT64_MAX - 1));
}

TEST(time_begins_anew_with_each_file_of_its_own) {
    start_as("a,every=1s", 5);
    ck_assert(!hak_heap_when_is_due(4 + SECOND_NS, INT64_MAX - 1));
    ck_assert(hak_heap_when_is_due(5 + SECOND_NS, 0));
    hak_heap_when_done(7 + SECOND_NS, 0);
    ck_assert(!hak_heap_when_is_due(6 + 2 * SECOND_NS, 0));
    ck_assert(hak_heap_when_is_due(7 + 2 * SECOND_NS, 0));
    hak_heap_when_start(&when, 9 * SECOND_NS); /* a child */
    ck_assert(!hak_heap_when_is_due(10 * SECOND_NS - 1, 0));
    ck_assert(hak_heap_when_is_due(10 * SECOND_NS, 0));
}

TEST(a_peak_is_a_tenth_and_a_mebibyte_above_the_last) {
    start_as("a,peak", 0);
    ck_assert(!hak_heap_when_is_due(UINT64_MAX - 1, MIB - 1));
    ck_assert(hak_heap_when_is_due(0, MIB));
    hak_heap_when_done(0, MIB);
    ck_assert(!hak_heap_when_is_due(0, 2 * MIB - 1));
    ck_assert(hak_heap_when_is_due(0, 2 * MIB));
    hak_heap_when_done(0, 100 * MIB);
    ck_assert(!hak_heap_when_is_due(0, 110 * MIB - 1));
    ck_assert(hak_heap_when_is_due(0, 110 * MIB));
    hak_heap_when_done(0, 50 * MIB); /* a file for another reason */
    ck_assert(!hak_heap_when_is_due(0, 110 * MIB - 1));
    hak_heap_when_start(&when, 0); /* a child has the bytes of its parent, and its peaks */
    ck_assert(!hak_heap_when_is_due(0, 110 * MIB - 1));
    ck_assert(hak_heap_when_is_due(0, 110 * MIB));
}

RUN_TESTS()
