/* The kernel's clocks, and the run time of a thread or of a process in ticks of the time stamp
 * counter. */
#ifndef HAK_PLATFORM_RUN_TIME_H
#define HAK_PLATFORM_RUN_TIME_H

#include <stdint.h>
#include <time.h>
#include "block.h"
#include "platform/raw_call.h"

/* Nanoseconds by the kernel's clock, whatever a preload has put in the place of libc's; 0: it
 * cannot be read. */
static inline uint64_t hak_clock_ns(clockid_t clock) {
    enum { NS_OF_SECOND = 1000000000 };
    struct timespec now = {0, 0};
    (void)hak_raw_call(SYS_clock_gettime, clock, &now);
    return (uint64_t)now.tv_sec * NS_OF_SECOND + (uint64_t)now.tv_nsec;
}

/* When somebody looked last. All zero: nobody has. */
struct hak_run_time {
    uint64_t ticks, ns, ran_ns;
};

/* The ticks that the calling thread (CLOCK_THREAD_CPUTIME_ID) or all threads of the process
 * (CLOCK_PROCESS_CPUTIME_ID) have run since the last look, by the ratio of the clocks; 0 at the
 * first look. Two system calls. One thread at a time. */
HAK_HIDDEN uint64_t hak_ran_ticks(struct hak_run_time *last, clockid_t clock);

#endif
