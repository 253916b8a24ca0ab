/* The time that was run, of a thread and of a process: not what was slept. */
#include "platform/run_time.h"
#include "unit/suite.h"

enum { SLEPT_NS = 100000000, RAN_NS = 20000000 };

static uint64_t now_ns(clockid_t clock) {
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

TEST(only_what_was_run_counts, .until = 2) {
    clockid_t clock = _i ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID;
    struct hak_run_time last = {0};
    ck_assert_uint_eq(hak_ran_ticks(&last, clock), 0);
    uint64_t start = last.ticks;
    struct timespec rest = {.tv_nsec = SLEPT_NS};
    while (nanosleep(&rest, &rest) != 0)
        continue;
    uint64_t ran = hak_ran_ticks(&last, clock), passed = last.ticks - start;
    ck_assert_uint_lt(ran, passed / 2);
    for (uint64_t from = now_ns(clock); now_ns(clock) - from < RAN_NS;)
        continue;
    ran = hak_ran_ticks(&last, clock);
    ck_assert_uint_gt(ran, passed / SLEPT_NS * RAN_NS / 2);
}

RUN_TESTS()
