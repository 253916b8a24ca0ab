/* Ranges of pages go back together where the kernel and the sandbox allow it, else one by one; and
 * no more counts as given back than went. */
#include "unit/suite.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "newer.h"
#include "platform/discard.h"
#include "unit/barred.h"

enum { RANGES = 8, APART = 2 }; /* ranges of a page each, a page of others between them */

_Atomic unsigned hak_sandboxes_entered;

static char *pages;

static void set_up(void) {
    pages = hak_map(RANGES * APART * HAK_PAGE_BYTES);
    memset(pages, 7, RANGES * APART * HAK_PAGE_BYTES);
}

static char *range_at(unsigned i) {
    return pages + i * APART * HAK_PAGE_BYTES;
}

/* Hands over all ranges; returns what is said to have gone. */
static size_t discard_all(void) {
    struct hak_ranges ranges;
    ranges.count = 0;
    ranges.given_back_bytes = 0;
    for (unsigned i = 0; i < RANGES; i++)
        hak_ranges_add(&ranges, range_at(i), HAK_PAGE_BYTES);
    return hak_ranges_discard(&ranges);
}

/* How many ranges read as zero; -1 where pages between them, that nobody gave back, do. */
static int count_gone(void) {
    int gone = 0;
    for (unsigned i = 0; i < RANGES; i++) {
        gone += range_at(i)[9] == 0;
        if (range_at(i)[HAK_PAGE_BYTES + 9] != 7)
            return -1;
    }
    return gone;
}

static bool knows_the_call(void) {
    return hak_kernel_is_from(6, 14) && hak_ranges_go_together();
}

/* ---- as they are ----------------------------------------------------------------------------- */

TEST(all_ranges_go_and_nothing_else) {
    set_up();
    uint64_t before = atomic_load(&hak_given_back_bytes);
    ck_assert_uint_eq(discard_all(), RANGES * HAK_PAGE_BYTES);
    ck_assert_int_eq(count_gone(), RANGES);
    ck_assert_uint_eq(atomic_load(&hak_given_back_bytes) - before, RANGES * HAK_PAGE_BYTES);
}

TEST(neighbours_are_one_range) {
    struct hak_ranges ranges;
    set_up();
    ranges.count = 0;
    hak_ranges_add(&ranges, pages, HAK_PAGE_BYTES);
    hak_ranges_add(&ranges, pages + HAK_PAGE_BYTES, HAK_PAGE_BYTES);
    hak_ranges_add(&ranges, pages + 3 * HAK_PAGE_BYTES, HAK_PAGE_BYTES);
    ck_assert_uint_eq(ranges.count, 2);
    ck_assert_uint_eq(ranges.range[0].iov_len, 2 * HAK_PAGE_BYTES);
}

TEST(more_ranges_than_there_is_room_for_all_go) {
    enum { MANY = HAK_RANGES_MOST * 2 + 3 };
    struct hak_ranges ranges;
    char *many = hak_map(2 * MANY * HAK_PAGE_BYTES);
    memset(many, 7, 2 * MANY * HAK_PAGE_BYTES);
    ranges.count = 0;
    ranges.given_back_bytes = 0;
    for (unsigned i = 0; i < MANY; i++)
        hak_ranges_add(&ranges, many + 2 * i * HAK_PAGE_BYTES, HAK_PAGE_BYTES);
    ck_assert_uint_eq(hak_ranges_discard(&ranges), MANY * HAK_PAGE_BYTES);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_int_eq(many[2 * i * HAK_PAGE_BYTES], 0);
}

/* ---- where the kernel stops or refuses ------------------------------------------------------- */

/* The kernel stops at a locked range: that one stays, is not counted, and the rest goes. */
TEST(a_locked_range_stays_and_the_rest_goes) {
    for (unsigned locked = 0; locked < RANGES; locked++) {
        set_up();
        if (mlock(range_at(locked), HAK_PAGE_BYTES) != 0) {
            puts("no page may be locked here: not tried");
            return;
        }
        bool goes_together = hak_ranges_go_together();
        uint64_t before = atomic_load(&hak_given_back_bytes);
        ck_assert_uint_eq(discard_all(), (RANGES - 1) * HAK_PAGE_BYTES);
        ck_assert_int_eq(count_gone(), RANGES - 1);
        ck_assert_int_eq(range_at(locked)[9], 7);
        ck_assert_uint_eq(atomic_load(&hak_given_back_bytes) - before,
                          (RANGES - 1) * HAK_PAGE_BYTES);
        ck_assert_int_eq(hak_ranges_go_together(), goes_together);
    }
}

/* In a child for which the kernel fails these calls: 0 where all is as due. */
enum { RIGHT = 0, NOT_BARRED, WRONG_BYTES, WRONG_PAGES, WRONG_ERRNO, STILL_TOGETHER, APART_NOW };

static int discard_under(const unsigned *calls, unsigned count, int error, unsigned due) {
    set_up();
    if (!hak_ranges_go_together() && knows_the_call())
        return APART_NOW;
    if (!bar_calls(calls, count, error))
        return NOT_BARRED;
    errno = 4711;
    size_t bytes = discard_all();
    int seen = errno;
    if (bytes != due * HAK_PAGE_BYTES)
        return WRONG_BYTES;
    if (count_gone() != (int)due)
        return WRONG_PAGES;
    return seen != 4711 ? WRONG_ERRNO : hak_ranges_go_together() ? STILL_TOGETHER : RIGHT;
}

static int in_child(const unsigned *calls, unsigned count, int error, unsigned due) {
    pid_t child = fork();
    if (child == 0)
        _exit(discard_under(calls, count, error, due));
    int status = status_of(child);
    ck_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_BARRED)
        puts("no filter of system calls here: not tried");
    return WEXITSTATUS(status) == NOT_BARRED ? -1 : WEXITSTATUS(status);
}

TEST(a_refused_call_makes_them_go_one_by_one_from_then_on) {
    static const int errors[] = {ENOSYS, EPERM, EBADF, EINVAL};
    const unsigned call = SYS_process_madvise;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        int result = in_child(&call, 1, errors[i], RANGES);
        ck_assert(result == RIGHT || result == -1);
    }
}

/* An error that any call may have says nothing of the next. */
TEST(after_another_error_they_go_together_again) {
    static const int errors[] = {EINTR, ENOMEM, EAGAIN};
    const unsigned call = SYS_process_madvise;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        int result = in_child(&call, 1, errors[i], RANGES);
        ck_assert(result == STILL_TOGETHER || result == -1);
    }
}

TEST(where_nothing_goes_nothing_is_counted) {
    const unsigned calls[] = {SYS_process_madvise, SYS_madvise};
    int result = in_child(calls, 2, EPERM, 0);
    ck_assert(result == STILL_TOGETHER || result == RIGHT || result == -1);
}

RUN_TESTS()
