/* Records a fork(2), so that a child's story knows where it branches off, and gives the child an
 * entry of its own. */
#include "options.h"
#include "superslab.h"
#include "trace/crash/crash.h"
#include "trace/collector/collector.h"
#include "trace/memory/memory.h"
#include "trace/process/process.h"
#include "trace/ring/ring.h"
#include "trace/signals/signals.h"
#include "trace/stacks/stacks.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "unwind/modules.h"
#include "platform/block_signals.h"

enum { NO_ENTRY_WAIT_MS = 2000, NO_ENTRY_AGAIN_MS = 5000, ENTRY_SLICE_MS = 20 };

/* Claims an entry, and waits for the collector to give one back. A child that comes soon after one
 * that waited in vain does not wait. False: there was none in time. */
static bool claim_entry(uint32_t parent, uint64_t fork_number) {
    struct hak_session *session = hak_current.session;
    uint64_t now = hak_monotonic_ns(), given_up = atomic_load(&session->unentered_ns);
    bool is_vain = hak_current.overwrites ||
                   (given_up && now - given_up < NO_ENTRY_AGAIN_MS * HAK_MILLISECOND_NS);
    uint64_t deadline = is_vain ? now : now + NO_ENTRY_WAIT_MS * HAK_MILLISECOND_NS;
    bool is_claimed = hak_current_claim_process(parent, fork_number);
    while (!is_claimed && hak_monotonic_ns() < deadline) {
        hak_current_await_commit(atomic_load(&session->commits), ENTRY_SLICE_MS);
        is_claimed = hak_current_claim_process(parent, fork_number);
    }
    return is_claimed;
}

/* In the child: forgets rings, collector and threads of the parent. */
static void forget_parent(void) {
    hak_ring_enter_child();
    hak_collector_forget();
    hak_crash_forget();
    hak_thread_enter_child();
    hak_current_forget_others();
    hak_trace_forget_asked();
}

void hak_process_enter_child(void) {
    struct hak_session *session = hak_current.session;
    uint64_t signals, fork_number = hak_writer.fork_number;
    hak_block_signals(&signals);
    if (atomic_load(hak_current.alive) != HAK_ALIVE_WIPED && !hak_current.is_left &&
        fork_number == 0) {
        hak_restore_signals(&signals);
        return;
    }
    forget_parent();
    hak_current.tsc_process = hak_options.stores_faults ? hak_ticks_now() : 0;
    if (session && !hak_current.is_left && claim_entry(hak_current.process_index, fork_number)) {
        hak_counters_enter_child(hak_current.process_index);
        atomic_store(hak_current.alive, HAK_ALIVE_GO);
        hak_stacks_fork_child(hak_current.process_index, &hak_current.process->no_stack);
        hak_ring_record_process();
        hak_ring_note_stopped();
        hak_modules_announce_all();
    } else {
        hak_counters_enter_child(HAK_COUNTERS_NO_PROCESS);
        hak_current_leave();
    }
    hak_restore_signals(&signals);
}

void hak_trace_fork_prepare(void) {
    if (!hak_current_ready())
        return;
    hak_collector_replace_dead(HAK_COLLECTOR_DEAD_MS);
    hak_writer.fork_number = 1 + atomic_fetch_add(&hak_current.session->forks, 1);
    struct hak_event_fields fork = {
        .kind = HAK_FORK, .class_index = HAK_CLASS_NONE, .size = hak_writer.fork_number};
    hak_trace_record(&fork);
}

void hak_trace_fork_parent(void) {
    hak_writer.fork_number = 0;
}

void hak_trace_fork_child(void) {
    hak_mask_enter_child();
    hak_stacks_fork_threads();
    hak_process_enter_child();
}
