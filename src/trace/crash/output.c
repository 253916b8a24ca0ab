/* The program's buffered output, where a fault that the exit found ends the process: exit would
 * have written it next. */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include "platform/raw_call.h"
#include "trace/crash/crash.h"
#include "trace/trace.h"

static bool is_flushed_by_exit; /* set by the thread that exits, while it looks at the heap */

void hak_trace_exit_flushes(bool flushes) {
    is_flushed_by_exit = flushes;
}

static bool is_alone(void) {
    struct stat tasks;
    long result = hak_raw_call(SYS_stat, (long)"/proc/self/task", (long)&tasks, 0, 0, 0, 0);
    return result == 0 && tasks.st_nlink == 3;
}

/* Another thread may hold the stream for ever: it waits for input, or for the one who exits. */
static void flush_unless_held(FILE *stream) {
    if (ftrylockfile(stream) != 0)
        return;
    (void)fflush(stream);
    funlockfile(stream);
}

void hak_crash_flush_output(uint32_t found_by) {
    struct timespec no_time = {0};
    uint64_t pipe = (uint64_t)1 << (SIGPIPE - 1), before = 0;
    if (!is_flushed_by_exit || found_by != HAK_FOUND_BY_EXIT)
        return;
    is_flushed_by_exit = false;
    /* The process ends by the fault, also where nobody reads its output any more. */
    (void)hak_raw_call(SYS_rt_sigprocmask, SIG_BLOCK, &pipe, &before, 8);
    if (is_alone()) {
        (void)fflush(NULL);
    } else {
        flush_unless_held(stdout);
        flush_unless_held(stderr);
    }
    (void)hak_raw_call(SYS_rt_sigtimedwait, &pipe, NULL, &no_time, 8);
    (void)hak_raw_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
}
