/* Tries whether debug registers fire, for a run whose program has no store to say it in. */
#include "viewer/record/run.h"

#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

bool run_registers_are_deaf(void) {
    static uint64_t place __attribute__((aligned(8)));
    struct perf_event_attr writes = {
        .type = PERF_TYPE_BREAKPOINT,
        .size = sizeof writes,
        .bp_type = HW_BREAKPOINT_W,
        .bp_addr = (uintptr_t)&place,
        .bp_len = sizeof place,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    uint64_t count = 0;
    int file = (int)syscall(SYS_perf_event_open, &writes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (file < 0)
        return false;
    *(volatile uint64_t *)&place = 1;
    bool is_read = read(file, &count, sizeof count) == (ssize_t)sizeof count;
    close(file);
    return is_read && count == 0;
}
