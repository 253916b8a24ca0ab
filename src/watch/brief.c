/* A debug register of the calling thread alone, for a moment (level light), by perf_event_open:
 *
 *   stop    the register: SIGTRAP to the thread when it writes there
 *   clock   the thread's own time: SIGTRAP when it has run for a moment, and the register goes
 *
 * While a register watches, processors copy and clear memory byte by byte; so it is not left to a
 * thread that may not come back for hours. The clock counts while the thread runs and strikes in
 * the program's own instructions alone: no system call is interrupted.
 *
 * Nothing is open in between: a program that closes what it does not know meets nothing of ours. */
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include "platform/raw_call.h"
#include "watch/registers.h"

static struct {
    struct hak_perf_event stop, clock;
    long thread;
} briefs[HAK_WATCH_REGISTERS];
static int brief_refusal;
static bool is_brief_over;

int hak_brief_refusal(void) {
    return brief_refusal;
}

static void close_both(unsigned index) {
    hak_perf_close_event(&briefs[index].clock);
    hak_perf_close_event(&briefs[index].stop);
}

void hak_brief_clear(unsigned index) {
    close_both(index);
}

bool hak_brief_stood(unsigned index, uint64_t *ns) {
    return briefs[index].thread == hak_raw_call(SYS_gettid) &&
           hak_perf_read_event(&briefs[index].clock, ns);
}

void hak_brief_end(int why) {
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++)
        close_both(i);
    brief_refusal = why;
    is_brief_over = true;
}

void hak_brief_fork_child(void) {
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++)
        close_both(i); /* the parent's */
}

/* In a filter of system calls that it was started with, asking may be the program's end. */
static bool is_in_sandbox(void) {
    return hak_raw_call(SYS_prctl, PR_GET_SECCOMP) != SECCOMP_MODE_DISABLED;
}

unsigned hak_brief_open(unsigned wanted) {
    static bool is_asked;
    if (!is_asked && !is_brief_over) {
        is_asked = true;
        if (is_in_sandbox())
            hak_brief_end(HAK_UNWATCHED_SANDBOX);
        else if (hak_perf_is_old_kernel())
            hak_brief_end(HAK_UNWATCHED_OLD_KERNEL);
    }
    if (!is_brief_over && hak_perf_is_deaf())
        hak_brief_end(HAK_UNWATCHED_DEAF);
    return is_brief_over ? 0 : wanted;
}

bool hak_brief_set(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag) {
    close_both(index);
    if (is_brief_over || hak_traced_is_debugged()) /* a debugger would stop at each signal */
        return false;
    struct hak_perf_attributes clock = hak_perf_clock(HAK_WATCH_MOMENT_NS, tag);
    struct hak_perf_attributes stop = hak_perf_stop(address, bytes, tag);
    stop.inherit = stop.inherit_thread = 0;
    long self = briefs[index].thread = hak_raw_call(SYS_gettid);
    int error = hak_perf_open_brief_event(self, &clock, &briefs[index].clock);
    if (error == 0)
        error = hak_perf_open_brief_event(self, &stop, &briefs[index].stop);
    if (error != 0)
        close_both(index);
    if (error != 0 && !hak_perf_is_passing(error))
        hak_brief_end(error);
    return error == 0;
}
