/* Does what `hakmem-trace ctl` asks for (control.h). */
#include <string.h>
#include "options.h"
#include "platform/block_signals.h"
#include "platform/lock.h"
#include "platform/raw_call.h"
#include "trace/collector/collector.h"
#include "trace/crash/crash.h"
#include "trace/memory/memory.h"
#include "trace/trace.h"
#include "trace/wait.h"

enum { OPEN_MS = 5000, SLICE_MS = 20 };

static struct hak_lock serving; /* tried, never waited for */

/* ---- level light: a store of now --------------------------------------------------------------
 */

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

/* Puts what was watched so far into the report area, where the collector looks for it at the end of
 * the session; not while there is a request of another process, which has its own. */
static void put_watched(struct hak_report_request *area) {
    uint32_t idle = HAK_REPORT_IDLE, filling = HAK_REPORT_FILLING;
    if (!atomic_compare_exchange_strong(&area->state, &idle, filling))
        return;
    area->process = hak_current.process_index;
    hak_crash_count_guarded(&area->calls, &area->guarded_blocks);
    atomic_compare_exchange_strong(&area->state, &filling, HAK_REPORT_IDLE);
    hak_wake(&area->state);
}

static enum hak_control_result store(const char *mark) {
    if (!hak_options.stores_faults || !hak_trace_open_for_report())
        return HAK_CONTROL_NO_COLLECTOR;
    hak_crash_bring_lives(hak_report_session_is_first());
    if (mark)
        hak_trace_mark(mark);
    put_watched(hak_current.report);
    hak_ring_doorbell(hak_current.session);
    return await_store(hak_current.session) ? HAK_CONTROL_DONE : HAK_CONTROL_NO_COLLECTOR;
}

/* 0: while another thread reports; the next look tries again. */
static unsigned store_now(const char *mark) {
    uint64_t signals;
    unsigned result = 0;
    hak_block_signals(&signals);
    if (hak_crash_enter_alone()) {
        result = store(mark);
        hak_crash_leave_stored(result == HAK_CONTROL_DONE);
    }
    hak_restore_signals(&signals);
    return result;
}

/* ---- the words --------------------------------------------------------------------------------
 */

static bool is_light(void) {
    return hak_control.level == HAK_CHECK_LIGHT + 1;
}

static unsigned set_mark(const char *name) {
    if (!hak_options.trace || !hak_current_ready())
        return HAK_CONTROL_NOT_HERE;
    hak_trace_mark(name);
    return HAK_CONTROL_DONE;
}

/* Has a room above do what ctl asks, and leaves what it found for ctl. enum hak_control_result. */
static unsigned run_errand(bool (*errand)(uint64_t *found)) {
    uint64_t found = 0;
    if (!errand)
        return HAK_CONTROL_NOT_HERE;
    bool is_done = errand(&found);
    atomic_store(&hak_control.found, found);
    return is_done ? HAK_CONTROL_DONE : HAK_CONTROL_FAILED;
}

static unsigned switch_recording(bool is_stopped) {
    if (!is_light() && (!hak_options.trace || !hak_current_ready()))
        return HAK_CONTROL_NOT_HERE;
    atomic_store(&hak_control.found, hak_trace_stop(is_stopped) ? 0 : 1);
    return HAK_CONTROL_DONE;
}

/* enum hak_control_result; 0: not now. */
static unsigned serve(uint32_t ask, const char *name) {
    switch (ask) {
    case HAK_CONTROL_STORE:
        return is_light() ? store_now(NULL) : HAK_CONTROL_NOT_HERE;
    case HAK_CONTROL_MARK:
        return is_light() ? store_now(name) : set_mark(name);
    case HAK_CONTROL_SWEEP:
        return run_errand(hak_control_errands.sweep);
    case HAK_CONTROL_LEAKS:
        return run_errand(hak_control_errands.leaks);
    case HAK_CONTROL_STOP:
        return switch_recording(true);
    case HAK_CONTROL_START:
        return switch_recording(false);
    default:
        return HAK_CONTROL_NOT_HERE;
    }
}

/* A request that is taken back while it is copied is none: ctl takes it back before it writes
 * another one. */
void hak_trace_serve_asked(void) {
    char name[HAK_CONTROL_NAME + 1];
    if (!hak_is_own_process() || !hak_try_lock(&serving))
        return;
    uint32_t number = atomic_load(&hak_control.request), ask = atomic_load(&hak_control.ask);
    memcpy(name, hak_control.name, sizeof name);
    name[HAK_CONTROL_NAME] = '\0';
    atomic_thread_fence(memory_order_acquire);
    if (hak_trace_is_asked() && atomic_load(&hak_control.request) == number) {
        unsigned result = serve(ask, name);
        if (result) {
            atomic_store(&hak_control.result, result);
            atomic_store(&hak_control.done, number);
        }
    }
    hak_unlock(&serving);
}

void hak_trace_forget_asked(void) {
    atomic_store(&hak_control.request, 0);
    (void)hak_lock_was_left(&serving);
}
