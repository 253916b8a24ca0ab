/* A session for a report alone: where nothing is recorded (level light, HAKMEM_TRACE=off), and a
 * fault is found, memory and keeper are made at that moment, so that the report has names like any
 * other.
 *
 *   private nodes of stacks --copied, ids stay--> the session's
 *   modules, thread, FAULT record --------------> a ring             nothing else is written
 *
 *   HAKMEM_TRACE=off   no store is made, unless the keeper is told of one (`hakmem-trace run`); the
 *                      session stays for later reports of the process
 *   level light        as if it had begun with the program: the lives of guarded blocks come too
 *                      (crash/lives.c), and there is a store. After the report the process lets go
 *                      of a session that has a keeper of its own: that closes the store and ends.
 *                      The next report goes on with the same store, and with that keeper while
 *                      it closes it.
 *
 * Calls of the program are not recorded into it. */
#include <fcntl.h>
#include <string.h>
#include "options.h"
#include "trace/memory/memory.h"
#include "trace/collector/collector.h"
#include "trace/protocol.h"
#include "trace/stacks/stacks.h"
#include "trace/ring/ring.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "unwind/modules.h"
#include "platform/block_signals.h"
#include "platform/path.h"

static bool has_failed;

/* Level light: when and where the program began. */
static struct {
    uint64_t tsc, monotonic_ns;
    char directory[HAK_PATH_BYTES];
} at_start;

/* The session before, which has been let go of. */
static struct {
    int32_t pid; /* its process; 0 = there is none to go on with */
    uint64_t id;
    char store_path[HAK_PATH_BYTES];
    char keeper_name[sizeof hak_current.keeper_name];
} before;
static bool is_first_session; /* this one goes on with none */

void hak_report_session_note_start(void) {
    at_start.tsc = hak_current.tsc_process = hak_ticks_now();
    at_start.monotonic_ns = hak_monotonic_ns();
    if (hak_option_text(HAK_INDEX_TRACE_FILE)[0] != '/')
        hak_path_here(at_start.directory, sizeof at_start.directory);
}

/* Goes on with the store of the session before, as long as that is there and this is its process.
 * False: it does not. */
static bool succeed_before(struct hak_session *session) {
    if (before.pid != (int32_t)hak_raw_call(SYS_getpid) ||
        hak_raw_call(SYS_faccessat, AT_FDCWD, before.store_path, 0) != 0)
        return false;
    session->previous_id = before.id;
    session->resume_store = HAK_RESUME_ANEW;
    memcpy(session->store_path, before.store_path, sizeof session->store_path);
    return true;
}

bool hak_report_session_may_come(void) {
    return at_start.tsc != 0;
}

void hak_report_session_fill(struct hak_session *session) {
    uint64_t since = session->monotonic_start_ns - at_start.monotonic_ns;
    session->tsc_start = at_start.tsc;
    session->monotonic_start_ns -= since;
    session->realtime_start_ns -= since;
    session->metrics_ms = 0; /* nobody counts what the program does */
    if (!hak_environment_tree_store() &&
        !hak_path_expand(session->store_path, sizeof session->store_path,
                         hak_option_text(HAK_INDEX_TRACE_FILE),
                         at_start.directory[0] ? at_start.directory : NULL, session->program))
        session->store_path[0] = 0;
    is_first_session = !succeed_before(session);
}

const char *hak_report_session_keeper(void) {
    return is_first_session ? "" : before.keeper_name;
}

const char *hak_report_session_store(void) {
    return before.store_path;
}

bool hak_report_session_is_first(void) {
    bool was_first = is_first_session;
    is_first_session = false;
    return was_first;
}

/* Whether the keeper is the one that HAKMEM_SESSION names. */
static bool has_keeper_of_tree(void) {
    char name[sizeof hak_current.keeper_name];
    hak_environment_read_session(name, sizeof name);
    return strcmp(name, hak_current.keeper_name) == 0;
}

/* Leaves the session that was made for a report, and remembers its store for the next one. PID 1,
 * which nobody outlives, waits for the store at its end instead. */
void hak_report_session_leave(bool is_stored) {
    struct hak_session *session = hak_current.session;
    long pid = hak_raw_call(SYS_getpid);
    uint64_t signals;
    if (!hak_current_ready() || pid == 1 || has_keeper_of_tree())
        return;
    hak_block_signals(&signals);
    before.pid = is_stored ? (int32_t)pid : 0;
    before.id = session->session_id;
    memcpy(before.store_path, session->store_path, sizeof before.store_path - 1);
    memcpy(before.keeper_name, hak_current.keeper_name, sizeof before.keeper_name);
    hak_ring_close();
    atomic_fetch_or(&hak_current.process->flags, HAK_PROCESS_WENT_ON);
    atomic_store(&hak_current.process->tsc_end, hak_session_ticks());
    atomic_store(&hak_current.process->state, HAK_PROCESS_ENDED);
    if (hak_is_last_process())
        atomic_store(&session->closing, 1);
    hak_ring_doorbell(session);
    hak_current_let_go();
    hak_restore_signals(&signals);
}

/* Begins a session for the first report. False: there is no collector; where reports are frequent
 * it is not tried again. */
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
    } else if (!hak_current.is_left) {
        hak_current.session = NULL;
        has_failed = !hak_options.stores_faults; /* it is tried again where reports are seldom */
    }
    hak_restore_signals(&signals);
    return begun;
}

/* Copies the nodes of stacks that were taken since the last time into the session, as far as it has
 * room. */
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
    bool has_session = hak_current.session && !hak_current.is_left;
    if (!hak_options.trace && !has_session && !begin())
        return false;
    if (!hak_current_ready())
        return false;
    if (!hak_options.trace)
        bring_nodes();
    return true;
}
