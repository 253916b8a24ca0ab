/* Stops recording for a while, and lets it go on (docs/specs/ctl.md).
 *
 *   life begins, recorded      ------ stop ------ free: recorded ------ start ------>
 *   life begins, stopped       ------ stop ------ free: left out ------ start ------ free: recorded
 *
 * Whether a life is recorded is settled when it begins, and stands in its slot: so nothing has to
 * be put right at a start, whichever thread sees the change first. */
#include "hop.h"
#include "metrics/count.h"
#include "options.h"
#include "superslab.h"
#include "trace/ring/ring.h"
#include "trace/trace.h"

/* Records that recording stops or starts. */
static void note(bool is_stopped) {
    struct hak_event_fields fields = {.kind = is_stopped ? HAK_RECORD_STOP : HAK_RECORD_START,
                                      .class_index = HAK_CLASS_NONE};
    if (hak_options.trace && hak_current_ready())
        hak_trace_record(&fields);
}

/* Stops or starts recording for all threads; the counters are incomplete from the first stop on. */
static void apply(bool is_stopped) {
    if (is_stopped)
        hak_counters_dropped = HAK_COUNTERS_IN_CHILD; /* incomplete counts agree with nothing */
    atomic_store(&hak_control.is_stopped, is_stopped);
    if (hak_control_errands.stop)
        hak_control_errands.stop(is_stopped);
}

bool hak_trace_stop(bool is_stopped) {
    if (hak_trace_is_stopped() == is_stopped)
        return false;
    if (is_stopped)
        note(true); /* other threads' later records are there all the same */
    apply(is_stopped);
    if (!is_stopped)
        note(false);
    return true;
}

void hak_ring_note_stopped(void) {
    if (hak_trace_is_stopped())
        note(true);
}
