#include "trace/crash.h"
#include "trace/trace.h"
void hak_crash_start(void) {}
void hak_trace_fault(const struct hak_fault_facts *facts) {
    (void)facts;
    __builtin_trap();
}
