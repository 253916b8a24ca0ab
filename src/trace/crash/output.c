/* Writes the program's buffered output, where a fault that the exit found ends the process: exit
 * would have written it next. */
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include "platform/raw_call.h"
#include "platform/symbols.h"
#include "platform/tasks.h"
#include "trace/crash/crash.h"
#include "trace/trace.h"

static bool is_flushed_by_exit; /* set by the thread that exits, while it looks at the heap */

void hak_trace_exit_flushes(bool flushes) {
    is_flushed_by_exit = flushes;
}

/* stdio's functions are found by their names here: linked with, they would be looked up at the
 * start of every program. */
typedef int flush_function(FILE *stream);
typedef int lock_function(FILE *stream);
typedef void unlock_function(FILE *stream);

/* Another thread may hold the stream for ever: it waits for input, or for the one who exits. */
static void flush_unless_held(const char *name, flush_function *flush) {
    FILE *const *stream = hak_symbol_first(name);
    lock_function *try_lock = (lock_function *)hak_symbol_of_libc("ftrylockfile");
    unlock_function *unlock = (unlock_function *)hak_symbol_of_libc("funlockfile");
    if (!stream || !*stream || !try_lock || !unlock || try_lock(*stream) != 0)
        return;
    (void)flush(*stream);
    unlock(*stream);
}

void hak_crash_flush_output(uint32_t found_by) {
    struct timespec no_time = {0};
    uint64_t pipe = (uint64_t)1 << (SIGPIPE - 1), before = 0;
    if (!is_flushed_by_exit || found_by != HAK_FOUND_BY_EXIT)
        return;
    is_flushed_by_exit = false;
    flush_function *flush = (flush_function *)hak_symbol_of_libc("fflush");
    if (!flush)
        return;
    /* The process ends by the fault, also where nobody reads its output any more. */
    (void)hak_raw_call(SYS_rt_sigprocmask, SIG_BLOCK, &pipe, &before, 8);
    if (hak_is_only_task()) {
        (void)flush(NULL);
    } else {
        flush_unless_held("stdout", flush);
        flush_unless_held("stderr", flush);
    }
    (void)hak_raw_call(SYS_rt_sigtimedwait, &pipe, NULL, &no_time, 8);
    (void)hak_raw_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
}
