/* Has the report of leaks made, by the same way as that of a fault, and goes on. */
#include "fault_codes.h"
#include "superslab.h"
#include "trace/crash/crash.h"
#include "trace/memory/memory.h"
#include "trace/trace.h"

HAK_TRACER_TEXT void hak_trace_leaks(void) {
    struct hak_report_other mine = {.fault = HAK_FAULT_MEMORY_LEAK};
    struct hak_registers here;
    hak_registers_here(&here);
    (void)hak_current_ready();
    struct hak_incident *incident = hak_crash_enter(&mine);
    if (!incident)
        return;
    incident->facts.fault = HAK_FAULT_MEMORY_LEAK;
    incident->facts.class_found = incident->facts.class_due = HAK_CLASS_NONE;
    incident->registers = here;
    incident->end_signal = 0;
    hak_crash_report();
    hak_crash_leave();
}
