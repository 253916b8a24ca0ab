/* Figures of a running process (`ctl PID stats`), for ctl.c. */
#ifndef HAK_VIEWER_RECORD_CTL_STATS_H
#define HAK_VIEWER_RECORD_CTL_STATS_H

#include "viewer/record/ctl.h"

/* Prints the figures of the process, in lines, as JSON or as metrics (--prometheus). Returns the
 * exit status. */
int ctl_show_stats(const struct view *view, struct ctl_target *t);

/* Nanoseconds of a tick of the time stamp counter, measured once, in 5 ms. */
double ctl_ns_of_tick(void);

#endif
