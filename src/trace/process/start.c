/* Begins recording when the program starts. */
#include <string.h>
#include <sys/auxv.h>
#include "options.h"
#include "trace/python/python.h"
#include "trace/crash/crash.h"
#include "trace/collector/collector.h"
#include "trace/memory/memory.h"
#include "trace/process/process.h"
#include "trace/ring/ring.h"
#include "trace/stacks/stacks.h"
#include "trace/trace.h"
#include "unwind/modules.h"

void hak_process_note_control(void) {
    hak_control.level = (uint32_t)hak_options.check + 1;
    if (hak_options.check == HAK_CHECK_LIGHT)
        atomic_store(&hak_control.is_stopped, (uint32_t)hak_options.start_paused);
    hak_control.report_every = (uint32_t)hak_options.report_every;
    hak_control.stores_faults = hak_options.stores_faults;
    _Static_assert(HAK_CONTROL_PATH == HAK_PATH_BYTES, "as ctl reads it");
    hak_control.store_offset = offsetof(struct hak_session, store_path);
    hak_control.session_slot = &hak_current.session;
    hak_control.is_left = &hak_current.is_left;
    hak_control.last_store = hak_report_session_store();
}

void hak_trace_start(void) {
    hak_current.is_secure = getauxval(AT_SECURE) != 0;
    if (hak_current.is_secure)
        return;
    hak_current.enter_child = hak_process_enter_child;
    hak_counters_dump_start();
    hak_modules_start(&hak_modules_to_record);
    if (hak_options.trace && strcmp(hak_options.session, HAK_SESSION_NONE) != 0) {
        if (hak_collector_begin_recording()) {
            struct hak_stacks_setup stacks = {.nodes = hak_current.nodes,
                                              .node_capacity = hak_current.node_capacity,
                                              .node_count = &hak_current.session->node_count,
                                              .no_stack = &hak_current.process->no_stack,
                                              .process = hak_current.process_index,
                                              .depth = (uint32_t)hak_options.stack_depth};
            if (!hak_current.overwrites) { /* in a file nobody takes any */
                stacks.nodes_mapped = &hak_current.session->nodes_mapped;
                stacks.wait_for_room = hak_ring_wait_for_nodes;
                stacks.ask_for_room = hak_ring_ask_for_nodes;
            }
            hak_current.counters.process = hak_current.process_index;
            hak_counters_begin(&hak_current.counters);
            hak_ring_record_process();
            atomic_store(&hak_control.is_stopped, (uint32_t)hak_options.start_paused);
            hak_ring_note_stopped();
            hak_modules_announce_all();
            hak_python_start();
            hak_stacks_start(&stacks);
        } else {
            hak_current.session = NULL;
            hak_environment_set_session(HAK_SESSION_NONE);
        }
    }
    if (hak_options.stores_faults)
        hak_report_session_note_start();
    if (!hak_current.session) {
        hak_counters_begin_private();
        (void)hak_stacks_start_private((uint32_t)hak_options.stack_depth);
    }
    hak_process_note_control();
    if (!hak_trace_is_wanted() || hak_trace_is_stopped())
        hak_counters_dropped = HAK_COUNTERS_IN_CHILD; /* incomplete counts agree with nothing */
    hak_crash_start();
}
