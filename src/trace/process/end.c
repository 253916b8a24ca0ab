/* Ends recording when the process ends, by exit or _exit, and notes with which status. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "superslab.h"
#include "trace/crash/crash.h"
#include "trace/collector/collector.h"
#include "trace/memory/memory.h"
#include "trace/ring/ring.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "platform/block_signals.h"

enum {
    LAST_COMMIT_MS = 10000,
    END_SLICE_MS = 50,
    LAST_LOOK_MS = 20,
};

/* Whether the collector has taken all records out of the session's rings. */
static bool is_committed(void) {
    uint32_t high = atomic_load(&hak_current.session->rings_high);
    for (uint32_t i = 0; i < high && i < HAK_RINGS; i++) {
        const struct hak_ring_entry *ring = &hak_current.rings[i];
        if (atomic_load(&ring->state) != HAK_RING_FREE &&
            atomic_load(&ring->head) != atomic_load(&ring->tail))
            return false;
    }
    return true;
}

/* Waits, bounded, until the collector has all records: nobody outlives PID 1, and what is not
 * committed is lost. */
static void wait_for_last_commit(void) {
    uint64_t deadline = hak_monotonic_ns() + LAST_COMMIT_MS * HAK_MILLISECOND_NS;
    while (!is_committed() && hak_monotonic_ns() < deadline) {
        hak_current_await_commit(atomic_load(&hak_current.session->commits), END_SLICE_MS);
    }
}

/* Records the process's end and lets go of the session, when it ends in good order; it does not
 * wait for the collector unless it is PID 1. */
static void end_recording(void) {
    struct hak_session *session = hak_current.session;
    if (!hak_current_ready() || hak_crash_is_reporting() || !hak_is_own_process())
        return;
    struct hak_event_fields end = {.kind = HAK_PROCESS_END, .class_index = HAK_CLASS_NONE};
    hak_trace_record(&end);
    hak_collector_make_sure();
    session->monotonic_end_ns = hak_monotonic_ns();
    session->tsc_end = hak_ticks_now();
    atomic_store(&hak_current.process->tsc_end, hak_session_ticks());
    atomic_store(&hak_current.process->state, HAK_PROCESS_ENDED);
    if (hak_current.overwrites)
        hak_ring_close_all();
    if (hak_is_last_process())
        atomic_store(&session->closing, 1);
    hak_file_leave();
    hak_ring_doorbell(session);
    if (hak_raw_call(SYS_getpid) == 1 && !hak_current.overwrites)
        wait_for_last_commit();
}

/* Ends the recording at exit, after the sweep and the leak scan, which record: destructors with a
 * smaller number go later. */
__attribute__((destructor(102))) static void at_exit(void) {
    if (hak_is_own_process()) {
        hak_counters_dump();
        hak_raw_say_unreported();
    }
    end_recording();
}

/* Notes the exit status for the collector. */
static void note_status(int status) {
    if (hak_current_ready() && hak_current.process && hak_is_own_process())
        atomic_store(&hak_current.process->end_status, HAK_END_KNOWN | ((uint32_t)status & 0xff)
                                                                           << 8);
}

/* As PID 1, whose end is also that of a collector in its namespace: lets go of the session memory,
 * which is what the collector waits for, and waits, bounded, until it has closed the store and is
 * gone. Other threads stand still from here on. */
static void finish_as_init(void) {
    char name[sizeof hak_current.keeper_name];
    uint64_t signals;
    if (!hak_current_ready() || hak_raw_call(SYS_getpid) != 1 || !hak_is_last_process() ||
        !hak_collector_answers_inside(hak_current.keeper_name))
        return;
    memcpy(name, hak_current.keeper_name, sizeof name);
    hak_block_signals(&signals);
    hak_current_freeze(hak_ring_others_write);
    (void)hak_raw_call(SYS_mmap, hak_current.session, hak_current.total_bytes,
                       PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1);
    hak_current.session = NULL;
    uint64_t deadline = hak_monotonic_ns() + LAST_COMMIT_MS * HAK_MILLISECOND_NS;
    while (hak_collector_answers(name) && hak_monotonic_ns() < deadline) {
        hak_sleep_ms(LAST_LOOK_MS);
    }
    hak_restore_signals(&signals);
}

/* Notes the exit status; called by exit, with its argument, after all handlers that the program has
 * set up. */
static void note_exit(int status, void *unused) {
    (void)unused;
    note_status(status);
    finish_as_init();
}

/* Asks libc to call note_exit at exit. */
__attribute__((constructor)) static void hear_of_exit(void) {
    /* Not in a sanitizer's program, whose on_exit is not ready yet. */
    if (hak_current_ready() || hak_report_session_may_come())
        (void)on_exit(note_exit, NULL); /* glibc keeps the first 32 without allocating */
}

/* Shells end by _exit, which runs no destructor. A vfork child's end is not its parent's. */
static _Noreturn void end_process(int status) {
    note_status(status);
    if (hak_is_own_process()) {
        hak_counters_dump();
        hak_raw_say_unreported();
    }
    end_recording();
    if (hak_is_own_process())
        finish_as_init();
    for (;;)
        (void)hak_raw_call_always(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

HAK_EXPORT _Noreturn void _exit(int status) {
    end_process(status);
}

HAK_EXPORT _Noreturn void _Exit(int status) {
    end_process(status);
}
