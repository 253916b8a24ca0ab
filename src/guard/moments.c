/* The moments of a process and its threads that the checks and the tracer must hear of. */
#include "guard/guard.h"
#include "trace/trace.h"

void hak_check_start(void) {
    hak_inject_start();
    hak_trace_start();
}

void hak_check_thread_end(void) {
    hak_trace_thread_end();
}

void hak_check_fork_prepare(void) {
    hak_trace_fork_prepare();
}

void hak_check_fork_parent(void) {
    hak_trace_fork_parent();
}

void hak_check_fork_child(void) {
    hak_trace_fork_child();
}

void hak_check_mark(const char *name) {
    hak_trace_mark(name);
}
