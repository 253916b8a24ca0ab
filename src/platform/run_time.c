/* Compares the clock of run time with the monotonic one. */
#include "platform/run_time.h"

#include "platform/platform.h"

uint64_t hak_ran_ticks(struct hak_run_time *last, clockid_t clock) {
    struct hak_run_time now = {hak_ticks(), hak_clock_ns(CLOCK_MONOTONIC), hak_clock_ns(clock)};
    struct hak_run_time before = *last;
    *last = now;
    if (before.ticks == 0 || now.ticks <= before.ticks || now.ns <= before.ns ||
        now.ran_ns <= before.ran_ns)
        return 0;
    return (uint64_t)((double)(now.ticks - before.ticks) * (double)(now.ran_ns - before.ran_ns) /
                      (double)(now.ns - before.ns));
}
