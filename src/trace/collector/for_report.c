/* A session for a report alone: where nothing is recorded (HAKMEM_TRACE=off), and a fault is found,
 * memory and keeper are made at that moment, so that the report has names like any other.
 *
 *   private nodes of stacks --copied, ids stay--> the session's      HAKMEM_TRACE=off
 *   modules, thread, FAULT record --------------> a ring             nothing else is written
 *
 * No store is made, unless the keeper is told of one (`hakmem-trace run`). The session stays for
 * later reports of the process; calls of the program are not recorded into it. */
#include <string.h>
#include "options.h"
#include "trace/memory/memory.h"
#include "trace/collector/collector.h"
#include "trace/protocol.h"
#include "trace/stacks/stacks.h"
#include "trace/ring/ring.h"
#include "trace/trace.h"
#include "unwind/modules.h"
#include "platform/block_signals.h"

static bool has_failed;

static bool begin(void) {
    struct hak_collector_failure failure = {0};
    uint64_t signals;
    if (has_failed || hak_current.is_secure || strcmp(hak_options.session, HAK_SESSION_NONE) == 0)
        return false;
    hak_block_signals(&signals);
    bool begun = hak_collector_begin(&failure);
    if (begun) {
        hak_ring_record_process();
        hak_modules_announce_all();
    } else {
        hak_current.session = NULL;
        has_failed = true;
    }
    hak_restore_signals(&signals);
    return begun;
}

/* Stacks that were taken since the last time. */
static void bring_nodes(void) {
    uint32_t count = hak_stacks_node_count(), from = atomic_load(&hak_current.session->node_count);
    const struct hak_node *nodes = hak_stacks_nodes();
    if (count > hak_current.node_capacity)
        count = hak_current.node_capacity;
    if (!nodes || count <= from)
        return;
    memcpy(hak_current.nodes + from, nodes + from, (count - from) * sizeof *nodes);
    atomic_store(&hak_current.session->node_count, count);
}

bool hak_trace_open_for_report(void) {
    if (!hak_options.trace && !hak_current.session && !begin())
        return false;
    if (!hak_current_ready())
        return false;
    if (!hak_options.trace)
        bring_nodes();
    return true;
}
