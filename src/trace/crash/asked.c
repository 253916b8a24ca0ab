/* Level light: has a collector store what is known now, because `hakmem-trace ctl` asks for it. */
#include "options.h"
#include "platform/block_signals.h"
#include "platform/raw_call.h"
#include "trace/collector/collector.h"
#include "trace/crash/crash.h"
#include "trace/memory/memory.h"
#include "trace/trace.h"
#include "trace/wait.h"

enum { OPEN_MS = 5000, SLICE_MS = 20 };

/* The worker has opened the store before its heart beats, and then the session has its name. */
static bool await_store(struct hak_session *session) {
    uint64_t deadline = hak_monotonic_ns() + OPEN_MS * HAK_MILLISECOND_NS;
    while (atomic_load(&session->worker_heartbeat_ns) == 0) {
        if (hak_monotonic_ns() >= deadline)
            return false;
        hak_sleep_ms(SLICE_MS);
    }
    return true;
}

static enum hak_control_result store_now(void) {
    if (!hak_options.stores_faults || !hak_trace_open_for_report())
        return HAK_CONTROL_NO_COLLECTOR;
    hak_crash_bring_lives(hak_report_session_is_first());
    hak_current.report->process = hak_current.process_index;
    hak_crash_count_guarded(&hak_current.report->calls, &hak_current.report->guarded_blocks);
    hak_ring_doorbell(hak_current.session);
    return await_store(hak_current.session) ? HAK_CONTROL_STORED : HAK_CONTROL_NO_COLLECTOR;
}

/* While another thread reports the next look tries again. */
void hak_trace_serve_asked(void) {
    uint64_t signals;
    if (!hak_is_own_process())
        return;
    hak_block_signals(&signals);
    if (hak_crash_enter_alone()) {
        uint32_t number = atomic_load(&hak_control.request);
        bool is_due = hak_trace_is_asked();
        enum hak_control_result result = is_due ? store_now() : HAK_CONTROL_STORED;
        hak_crash_leave_stored(result == HAK_CONTROL_STORED);
        if (is_due)
            atomic_store(&hak_control.result, result);
        atomic_store(&hak_control.done, number);
    }
    hak_restore_signals(&signals);
}
