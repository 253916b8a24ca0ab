/* Faults and crashes: what the dying program leaves for the report, and what it does itself.
 *
 *   hak_trace_fault --+                 claim   fill          READY        DONE
 *   crash signal -----+-> report area:  IDLE -> FILLING ----> READY -----> DONE -> IDLE
 *                         (one at a time)                     collector writes the report
 *   no collector, or it does not answer: a raw report on stderr, written here.
 *   Then SIGABRT (fault), the signal's own end (crash), or on it goes (HAKMEM_ON_FAULT=continue).
 */
#ifndef HAK_TRACE_CRASH_H
#define HAK_TRACE_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "unwind/registers.h"
#include "trace/session.h"
#include "unwind/unwind.h"

/* One fault or crash, where it happened. */
struct hak_incident {
    const struct hak_fault_facts *facts;
    uint32_t signal; /* 0 = none */
    int32_t signal_code;
    uint64_t signal_address;
    struct hak_registers registers;
    uintptr_t frames[HAK_REPORT_FRAMES];
    size_t frame_count;
    enum hak_unwind_end end;
};

/* Puts the handlers of crash signals in place (crash_signals.c). Once, at start. */
HAK_HIDDEN void hak_crash_start(void);

/* In a forked child: what other threads of the parent were about is not this process's. */
HAK_HIDDEN void hak_crash_forget(void);
HAK_HIDDEN void hak_crash_signals_forget(void);

/* True when the calling thread is in the middle of a report. */
HAK_HIDDEN bool hak_crash_is_reporting(void);

/* Claims the right to report; a second thread waits until the first is through (or for ever, when
 * the process ends). False: the calling thread was at it already, and failed in the middle. */
HAK_HIDDEN bool hak_crash_enter(void);
HAK_HIDDEN void hak_crash_leave(void);

/* Has the report written, by the collector or raw. Between enter and leave. */
HAK_HIDDEN void hak_crash_report(const struct hak_incident *incident);

/* Ends the process by `number` with its default action, whatever handler there is. */
HAK_HIDDEN _Noreturn void hak_crash_die_by(int number);

/* Writes what can be said without a collector to stderr (raw_report.c). Allocates nothing. */
HAK_HIDDEN void hak_raw_report(const struct hak_incident *incident);

#endif
