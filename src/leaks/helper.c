/* Runs the scan in a process of its own that shares the program's memory (trace/tracer.h): a fault
 * of it ends the helper, and it may trace the other threads. */
#include "leaks/leaks.h"
#include "platform/raw_call.h"
#include "trace/tracer.h"

enum { HELPER_STACK_BYTES = 256 << 10 };

struct errand {
    struct hak_leak_scan *scan;
    void (*run)(struct hak_leak_scan *);
};

static void run_errand(void *argument) {
    const struct errand *errand = argument;
    errand->run(errand->scan);
}

bool hak_leak_run_helper(struct hak_leak_scan *scan, void (*run)(struct hak_leak_scan *)) {
    struct errand errand = {scan, run};
    char *stack = hak_raw_map(HELPER_STACK_BYTES);
    enum hak_tracer_end end = stack ? hak_tracer_run(stack, HELPER_STACK_BYTES, run_errand, &errand)
                                    : HAK_TRACER_NOT_MADE;
    if (end == HAK_TRACER_NOT_MADE)
        run(scan);
    if (stack)
        hak_raw_unmap(stack, HELPER_STACK_BYTES);
    return end != HAK_TRACER_DIED;
}
