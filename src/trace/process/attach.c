/* Begins and ends recording while the program runs, again and again (entry/attach): the session's
 * own memory takes the place of the one before it, so that nothing of it is ever mapped anew, and a
 * thread that comes late to a record finds memory.
 *
 * A thread forgets an earlier session at its first call in the new one. */
#include <string.h>
#include "options.h"
#include "platform/block_signals.h"
#include "trace/python/python.h"
#include "trace/collector/collector.h"
#include "trace/crash/crash.h"
#include "trace/memory/memory.h"
#include "trace/process/process.h"
#include "trace/ring/ring.h"
#include "trace/stacks/stacks.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "unwind/modules.h"
#include "unwind/splice.h"

void hak_trace_attach_thread(void) {
    uint64_t signals;
    hak_block_signals(&signals);
    hak_writer.ring = NULL; /* of an earlier session: its number is another thread's by now */
    hak_ring_forget();
    hak_writer.ended = 0;
    hak_writer.fork_number = 0;
    hak_counter = (struct hak_counter){.is_slow = 1};
    hak_thread_number = 0;
    memset(hak_thread_origin, 0, sizeof hak_thread_origin);
    hak_restore_signals(&signals);
}

void hak_trace_thread_leave(void) {
    hak_splice_thread_end();
}

/* Lets a forked child of an attached process go: it is not recorded. */
void hak_trace_attach_child(void) {
    uint64_t signals;
    if (!hak_current.session || hak_current.is_left)
        return;
    hak_block_signals(&signals);
    hak_options.trace = 0;
    hak_ring_enter_child();
    hak_current_forget_others();
    hak_counters_enter_child(HAK_COUNTERS_NO_PROCESS);
    hak_current_let_go();
    hak_restore_signals(&signals);
}

/* Forgets everything of the session before: rings, stacks, threads, modules. Of modules nothing is
 * read but while ld.so's lock holds them: others load and unload some. */
static void forget_last_session(void) {
    hak_ring_enter_child();
    hak_collector_forget();
    hak_crash_forget();
    hak_thread_enter_child();
    hak_current_forget_others();
    hak_stacks_end();
    hak_modules_forget_all();
}

/* Has stacks written into the session's memory. */
static void begin_stacks(void) {
    struct hak_stacks_setup stacks = {.nodes = hak_current.nodes,
                                      .node_capacity = hak_current.node_capacity,
                                      .node_count = &hak_current.session->node_count,
                                      .no_stack = &hak_current.process->no_stack,
                                      .process = hak_current.process_index,
                                      .depth = (uint32_t)hak_options.stack_depth,
                                      .nodes_mapped = &hak_current.session->nodes_mapped,
                                      .wait_for_room = hak_ring_wait_for_nodes,
                                      .ask_for_room = hak_ring_ask_for_nodes};
    hak_python_start();
    hak_stacks_start(&stacks);
}

bool hak_trace_attach(char *why, size_t why_bytes) {
    static bool was_here;
    struct hak_collector_failure failure = {0};
    uint64_t signals;
    hak_block_signals(&signals);
    if (was_here)
        forget_last_session();
    was_here = true;
    hak_thread_bar_stacks();
    hak_collector_only_join();
    hak_current.enter_child = hak_trace_attach_child;
    hak_current.flags = HAK_PROCESS_ATTACHED;
    bool is_begun = hak_collector_begin(&failure);
    if (is_begun) {
        hak_current.replace_silent = NULL; /* no collector is started in somebody's program */
        hak_counters_enter_child(hak_current.process_index);
        hak_current.counters.process = hak_current.process_index;
        hak_counters_begin(&hak_current.counters);
        hak_ring_record_process();
        hak_modules_start(&hak_modules_to_record);
        begin_stacks();
        hak_process_note_control();
    } else {
        hak_collector_say_why(&failure, why, why_bytes);
        if (!hak_current.is_left)
            hak_current.session = NULL;
    }
    hak_restore_signals(&signals);
    return is_begun;
}

void hak_trace_detach(void) {
    struct hak_session *session = hak_current.session;
    uint64_t signals;
    if (!session || hak_current.is_left)
        return;
    hak_block_signals(&signals);
    hak_ring_give_up_unfinished();
    hak_current_freeze(hak_ring_others_write);
    hak_ring_close_all();
    atomic_fetch_or(&hak_current.process->flags, HAK_PROCESS_WENT_ON);
    session->monotonic_end_ns = hak_monotonic_ns();
    session->tsc_end = hak_ticks_now();
    atomic_store(&hak_current.process->tsc_end, hak_session_ticks());
    atomic_store(&hak_current.process->state, HAK_PROCESS_ENDED);
    atomic_store(&session->closing, 1);
    hak_ring_doorbell(session);
    hak_current_let_go();
    hak_current_thaw_left();
    hak_ring_enter_child();
    hak_options.trace = 0;
    hak_control.level = 0;
    hak_restore_signals(&signals);
}
