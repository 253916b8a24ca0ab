/* The time, CLOCK_MONOTONIC where nothing else is said. */
#ifndef HAK_COLLECTOR_KERNEL_TIME_H
#define HAK_COLLECTOR_KERNEL_TIME_H

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* For the worker, which has no preload. */
static inline uint64_t hak_time_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The kernel's clock, as in the programs: `run` may have a preload with another one. */
static inline uint64_t hak_time_kernel_ns(clockid_t clock) {
    struct timespec t = {0};
    syscall(SYS_clock_gettime, clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static inline uint64_t hak_time_ms(void) {
    return hak_time_kernel_ns(CLOCK_MONOTONIC) / 1000000;
}

#endif
