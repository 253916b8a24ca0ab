/* Figures and settings of the allocator in a running process (`ctl PID stats`, `ctl PID set`), for
 * ctl.c. */
#ifndef HAK_VIEWER_RECORD_CTL_STATS_H
#define HAK_VIEWER_RECORD_CTL_STATS_H

#include "viewer/record/ctl.h"

/* Prints the figures of the process, in lines, as JSON or as metrics (--prometheus). Returns the
 * exit status. */
int ctl_show_stats(const struct view *view, struct ctl_target *t);

/* Sets the setting of the third argument, NAME=VALUE, and prints what it was and is; waits at most
 * `seconds` where the process has to answer. Returns the exit status. (ctl_set.c) */
int ctl_set(const struct view *view, struct ctl_target *t, uint64_t seconds);

/* Nanoseconds of a tick of the time stamp counter, measured once, in 5 ms. */
double ctl_ns_of_tick(void);

#endif
