/* What must be said around fork(2), so that a child's story knows where it branches off. */
#include "hop.h"
#include "superslab.h"
#include "trace/crash/crash.h"
#include "trace/memory/memory.h"
#include "trace/keeper/keeper.h"
#include "trace/ring/ring.h"
#include "trace/stacks/stacks.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"

void hak_trace_fork_prepare(void) {
    if (!hak_current_ready())
        return;
    hak_keeper_replace_dead(HAK_KEEPER_DEAD_MS);
    hak_writer.fork_number = 1 + atomic_fetch_add(&hak_current.session->forks, 1);
    struct hak_event_fields fork = {
        .kind = HAK_FORK, .class_index = HAK_CLASS_NONE, .size = hak_writer.fork_number};
    hak_trace_record(&fork);
}

void hak_trace_fork_parent(void) {
    hak_writer.fork_number = 0;
}

void hak_trace_fork_child(void) {
    hak_stacks_fork_threads();
    if (!hak_current.session) {
        hak_counters_enter_child(HAK_COUNTERS_NO_PROCESS);
        hak_keeper_forget();
        hak_crash_forget();
        hak_thread_forget_origin();
        hak_ring_forget_numbers();
    }
    hak_current_enter_child(hak_writer.fork_number);
}
