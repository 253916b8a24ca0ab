/* Goes on with a new collector when keeper and worker both died: nothing that lies in this
 * process's rings is lost.
 *
 *   old memory (nobody else holds it)          new memfd, mapped at the same addresses
 *     header, process table       ------------>  with a new session_id, previous_id = the last one
 *                                                that a worker had
 *     nodes                       ------------>  all
 *     rings of this process       ------------>  same index and positions, records from the tail on
 *     rings of dead processes     ------------>  by the first process that comes here
 *     rings of live processes                    each takes its own
 *     counters                                   as the rings
 *     a request that is left in the report area   as the rings
 *
 * The first process starts the keeper, whose name the others can tell from the dead one's
 * (protocol.h): one worker for all, since only one can write the store.
 *
 * Writers stand still while it is copied (hak_current_freeze); afterwards they go on with the same
 * addresses. One thread at a time; signals are blocked. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include "options.h"
#include "trace/memory/memory.h"
#include "trace/collector/collector.h"
#include "trace/collector/say.h"
#include "trace/ring/ring.h"
#include "trace/node.h"
#include "platform/block_signals.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/wait.h"

enum {
    ATTEMPTS = 3,    /* to start a keeper, in the life of a process */
    RETRY_MS = 1000, /* between two looks whether somebody listens */
    SURE_MS = 600,   /* hearts beat every 250 */
    LAST_BEAT_MS = 400,
    SLICE_AT_END_MS = 2,
    NODES_SPARE = 1 << 16,        /* ids that threads may take while nodes are copied, at most */
    NODES_ON_THEIR_WAY = 1 << 12, /* ids that are taken before, and written after that */
    EPOCHS_SPARE = 1 << 16,
    HIDDEN_DEAD_MS = 5000,
};

static _Atomic uint32_t at_work;
static _Atomic uint64_t next_look_ns;
static uint32_t attempts;
static bool has_said; /* that nobody takes over; also of the process that this one was forked by */
static _Atomic bool has_given_up; /* a keeper in another network namespace, whose heart is silent */

/* Whether the process of `entry` has ended. A zombie counts: it writes no more. The pid of another
 * namespace says nothing here: such a process takes its own rings if it lives. */
static bool is_gone(const struct hak_process_entry *entry) {
    if (atomic_load(&entry->state) == HAK_PROCESS_ENDED)
        return true;
    return entry->pid_space == hak_current.process->pid_space &&
           hak_raw_call(SYS_kill, entry->pid) == -ESRCH;
}

static void *at(struct hak_session *session, const void *address_in_old) {
    return (char *)session + ((const char *)address_in_old - (const char *)hak_current.session);
}

/* Copies the ring, or leaves it free in the copy with its position kept. */
static void copy_ring(struct hak_session *copy, uint32_t index, bool takes) {
    const struct hak_ring_entry *ring = &hak_current.rings[index];
    struct hak_ring_entry *to = at(copy, ring);
    uint64_t head = atomic_load(&ring->head), tail = atomic_load(&ring->tail);
    uint64_t capacity = ring->capacity;
    memcpy(to, ring, sizeof *to);
    if (atomic_load(&ring->state) == HAK_RING_FREE || !takes || capacity == 0 ||
        head - tail > capacity ||
        ring->offset + capacity * HAK_RECORD_BYTES > hak_current.total_bytes ||
        (uint64_t)ring->first_extent + ring->extents > hak_current.extent_count) {
        atomic_store(&to->state, HAK_RING_FREE);
        atomic_store(&to->tail, head);
        return;
    }
    for (uint32_t e = ring->first_extent; e < ring->first_extent + ring->extents; e++)
        atomic_store(&copy->extent_taken[e], 1);
    const char *from = (const char *)hak_current.session + ring->offset;
    char *records = (char *)copy + ring->offset;
    for (uint64_t i = tail; i != head; i++) {
        uint64_t place = (i & (capacity - 1)) * HAK_RECORD_BYTES;
        memcpy(records + place, from + place, HAK_RECORD_BYTES);
    }
}

/* Counters of this process, and of dead ones: their blocks keep their index. */
static void copy_counters(struct hak_session *copy, bool takes_orphans) {
    const struct hak_counters_place *place = &hak_current.counters;
    hak_counters_owner_t *owners = at(copy, place->owners);
    uint32_t high = atomic_load(place->high);
    for (uint32_t i = 0; i < high && i < place->capacity; i++) {
        uint64_t owner = atomic_load(&place->owners[i]);
        const struct hak_counters *from = hak_counters_at(place->blocks, i);
        uint32_t process = (uint32_t)owner;
        if (owner == 0 ||
            (process != hak_current.process_index && !(takes_orphans && process < HAK_PROCESSES &&
                                                       is_gone(&hak_current.processes[process]))))
            continue;
        memcpy(at(copy, from), from, hak_counters_used_bytes(from));
        atomic_store(&owners[i], owner);
    }
}

/* Copies this process's rings, and those of processes that are gone if wanted; others count as
 * free. */
static void copy_rings(struct hak_session *copy, bool takes_orphans) {
    uint32_t rings = atomic_load(&hak_current.session->rings_high);
    memset((void *)copy->extent_taken, 0, sizeof copy->extent_taken);
    for (uint32_t i = 0; i < HAK_PROCESSES; i++) {
        struct hak_process_entry *entry = &hak_current.processes[i], *to = at(copy, entry);
        memcpy(to, entry, sizeof *to);
        if (entry != hak_current.process && !(takes_orphans && is_gone(entry)))
            atomic_store(&to->state, HAK_PROCESS_FREE);
    }
    for (uint32_t i = 0; i < rings && i < HAK_RINGS; i++) {
        uint32_t owner = hak_current.rings[i].process;
        const struct hak_process_entry *entry = &hak_current.processes[owner % HAK_PROCESSES];
        copy_ring(copy, i, owner == hak_current.process_index || (takes_orphans && is_gone(entry)));
    }
}

/* A request that the collector did not take up: the new one stores it. One that is waited for its
 * thread makes again (crash/area.c). */
static void copy_left_request(struct hak_session *copy, bool takes_orphans) {
    const struct hak_report_request *area = hak_current.report;
    const struct hak_process_entry *of = &hak_current.processes[area->process % HAK_PROCESSES];
    uint32_t state = atomic_load(&area->state);
    if ((state == HAK_REPORT_LEFT || state == HAK_REPORT_KEEPING) &&
        (of == hak_current.process || (takes_orphans && is_gone(of)))) {
        memcpy((void *)at(copy, area), (const void *)area, sizeof *area);
        atomic_store(&((struct hak_report_request *)at(copy, area))->state, HAK_REPORT_LEFT);
    }
}

/* Stacks are taken without asking whether the memory is being exchanged: ids taken meanwhile lie in
 * the spare ones, and what was written to the old memory then is brought over. */
static uint32_t spare_nodes(void) {
    uint32_t eighth = hak_current.node_capacity / 8;
    return eighth < NODES_SPARE ? eighth : NODES_SPARE;
}

/* The last session that the store can know: a worker that has taken one lets its heart beat there.
 * Of one that no keeper took, as none could be started, only this process knows. */
static uint64_t known_session(const struct hak_session *old) {
    bool is_known = atomic_load(&old->worker_heartbeat_ns) != 0 || old->previous_id == 0;
    return is_known ? old->session_id : old->previous_id;
}

/* Copies the session's header for a new session that goes on in the same store; its counts of the
 * collector begin anew, its epoch is raised. */
static void copy_header(struct hak_session *copy, uint64_t new_id) {
    const struct hak_session *old = hak_current.session;
    memcpy(copy, old, sizeof *copy);
    copy->session_id = new_id;
    copy->previous_id = known_session(old);
    if (old->resume_store != HAK_RESUME_NO_STORE)
        copy->resume_store = HAK_RESUME;
    atomic_store(&copy->orphans_taken, 0);
    atomic_store(&copy->collector_waits, 0);
    atomic_store(&copy->closing, 0);
    atomic_store(&copy->is_over, 0);
    atomic_store(&copy->worker_heartbeat_ns, 0);
    atomic_store(&copy->keeper_heartbeat_ns, hak_monotonic_ns());
    atomic_fetch_add(&copy->epoch, EPOCHS_SPARE);
}

/* Copies the stack nodes. Returns how many were there. */
static uint32_t copy_nodes(struct hak_session *copy) {
    uint32_t count = atomic_load(&hak_current.session->node_count);
    uint32_t used = count < hak_current.node_capacity ? count : hak_current.node_capacity;
    struct hak_node *to = at(copy, hak_current.nodes);
    for (uint32_t i = 0; i < used; i++)
        hak_node_copy(&to[i], &hak_current.nodes[i]);
    return count;
}

/* Copies the nodes that other threads wrote while the memory was copied. */
static void bring_late_nodes(const struct hak_session *old, uint32_t from, uint32_t end) {
    uint32_t bits = (uint32_t)__builtin_ctz(hak_current.node_capacity);
    const struct hak_node *nodes =
        (const struct hak_node *)((const char *)old + ((const char *)hak_current.nodes -
                                                       (const char *)hak_current.session));
    struct hak_node node;
    uint32_t on_their_way = from > NODES_ON_THEIR_WAY ? NODES_ON_THEIR_WAY : from;
    for (uint32_t id = from - on_their_way; id < end; id++)
        if (hak_node_read(nodes, bits, id, &node))
            (void)hak_node_publish(hak_current.nodes, bits, id, node.ip, node.parent, node.owner);
}

static long map(void *where, int file, long flags) {
    return hak_raw_call(SYS_mmap, where, hak_current.total_bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | flags, file);
}

/* Copies the session into `fresh` and puts it into the place of the old one, which stays mapped at
 * `old`. False: it cannot be mapped there. */
static bool exchange(const struct hak_session_memory *fresh, struct hak_session *old,
                     bool takes_orphans) {
    struct hak_session *copy = fresh->session;
    uint64_t new_id = copy->session_id;
    hak_current_freeze(hak_ring_others_write);
    uint32_t nodes = copy_nodes(copy);
    copy_header(copy, new_id);
    copy_rings(copy, takes_orphans);
    copy_counters(copy, takes_orphans);
    copy_left_request(copy, takes_orphans);
    uint32_t end = atomic_load(&old->node_count) + spare_nodes(); /* all the copying took a while */
    atomic_store(&copy->node_count, end);
    bool mapped =
        map(hak_current.session, fresh->file, MAP_FIXED) == (long)(void *)hak_current.session;
    if (mapped)
        bring_late_nodes(old, nodes, end);
    hak_memory_leave_out_of_cores(hak_current.session, hak_current.total_bytes);
    hak_current_thaw();
    return mapped;
}

/* Moves this process's rings to a fresh session with a new collector. False: the process goes on
 * without a collector, and `failure` says why. */
static bool take_over(struct hak_collector_failure *failure) {
    struct hak_session_memory fresh;
    struct hak_hello_answer answer;
    uint32_t nobody = 0;
    *failure = (struct hak_collector_failure){.what = "no session memory", .error = ENOMEM};
    /* A length of 0 makes a second mapping of shared memory. */
    long second =
        hak_raw_call(SYS_mremap, hak_current.session, 0, hak_current.total_bytes, MREMAP_MAYMOVE);
    if (second > 0 && hak_own_note)
        hak_own_note((void *)second, hak_current.total_bytes, true);
    if (second < 0 && second > -4096)
        return false;
    struct hak_session *old = (struct hak_session *)second;
    failure->error = hak_memory_make(hak_current.total_bytes, &fresh);
    if (failure->error) {
        hak_raw_unmap(old, hak_current.total_bytes);
        return false;
    }
    bool is_first =
        atomic_compare_exchange_strong(&old->orphans_taken, &nobody, hak_current.process_index + 1);
    bool exchanged = exchange(&fresh, old, is_first);
    hak_raw_unmap(fresh.session, fresh.total_bytes);
    bool is_taken = exchanged && hak_collector_succeed(hak_current.keeper_name, fresh.file,
                                                       fresh.total_bytes, &answer, failure);
    if (is_taken) {
        memcpy(hak_current.keeper_name, answer.session_name, sizeof hak_current.keeper_name);
        hak_environment_set_tree(answer.session_name, old->store_path);
    }
    hak_raw_unmap(old, hak_current.total_bytes);
    hak_close(fresh.file);
    return is_taken;
}

/* Says on stderr, once and only with a trace, that recording ends here. */
static void say_given_up(const struct hak_collector_failure *failure) {
    struct hak_line line = {0};
    if (has_said || !hak_options.trace) /* a report says itself that it has no collector */
        return;
    has_said = true;
    hak_line_add(&line, "hakmem: the collector died and no other one takes over: ");
    hak_say_reason(&line, failure);
    hak_line_say(&line, "; process ", (uint64_t)hak_current.pid,
                 " goes on checked but unrecorded, and what was stored until then is in ");
    hak_line_add_name(&line, hak_current.session->store_path);
    hak_line_end(&line);
}

/* Tries to take over; what failed is tried again later, and after the last try it is said. */
static void try_to_take_over(bool is_at_end) {
    struct hak_collector_failure failure;
    attempts = take_over(&failure) ? 0 : attempts + 1;
    if (attempts == ATTEMPTS || (attempts > 0 && is_at_end))
        say_given_up(&failure);
}

bool hak_collector_is_given_up(void) {
    return has_given_up || (hak_current_ready() && hak_current_is_over());
}

/* If the collector gives no sign of life for `ms`, looks whether it is dead, and replaces it; one
 * thread at a time, after RETRY_MS again. */
static void replace_dead(uint64_t ms, bool is_at_end) {
    uint64_t signals, now = hak_monotonic_ns();
    uint32_t nobody = 0;
    if (hak_current.overwrites || hak_current_is_over() ||
        (hak_current_collector_beats(ms) && !has_given_up) ||
        (now < atomic_load(&next_look_ns) && !is_at_end) || attempts >= ATTEMPTS ||
        !atomic_compare_exchange_strong(&at_work, &nobody, 1))
        return;
    hak_block_signals(&signals);
    atomic_store(&next_look_ns, now + RETRY_MS * HAK_MILLISECOND_NS);
    if (hak_collector_is_elsewhere(hak_current.keeper_name))
        atomic_store_explicit(&has_given_up, !hak_current_collector_beats(HIDDEN_DEAD_MS),
                              memory_order_relaxed);
    else if (!hak_collector_answers(hak_current.keeper_name))
        try_to_take_over(is_at_end);
    hak_restore_signals(&signals);
    atomic_store(&at_work, 0);
}

void hak_collector_replace_dead(uint64_t ms) {
    replace_dead(ms, false);
}

/* When the collector showed last that it lives, its keeper or its worker. */
static uint64_t latest_beat(const struct hak_session *session) {
    uint64_t latest = session->monotonic_start_ns;
    uint64_t worker = atomic_load(&session->worker_heartbeat_ns);
    uint64_t keeper = atomic_load(&session->keeper_heartbeat_ns);
    latest = worker > latest ? worker : latest;
    return keeper > latest ? keeper : latest;
}

/* The collector's last signs of life in a session. */
struct life {
    uint32_t commits;
    uint64_t beat;
};

static struct life last_life(const struct hak_session *session) {
    return (struct life){atomic_load(&session->commits), latest_beat(session)};
}

static bool has_moved(const struct hak_session *session, const struct life *since) {
    struct life now = last_life(session);
    return now.commits != since->commits || now.beat != since->beat;
}

/* Asks the keeper whether it lives: a connection alone does not say that. One that neither answers
 * nor goes is stopped, or has much to do, and holds what it has. False: it is dead. */
static bool keeper_holds(const struct hak_session *session, const struct life *since) {
    uint64_t deadline = hak_monotonic_ns() + HAK_COLLECTOR_LIMIT_MS * HAK_MILLISECOND_NS;
    long asked = hak_collector_ask(hak_current.keeper_name);
    enum hak_keeper_word word;
    do
        word = hak_collector_hear(asked, SLICE_AT_END_MS);
    while (word == HAK_KEEPER_SILENT && !has_moved(session, since) &&
           hak_monotonic_ns() < deadline);
    hak_close(asked);
    return word != HAK_KEEPER_GONE;
}

void hak_collector_make_sure(void) {
    struct hak_session *session = hak_current.session;
    struct life since = last_life(session);
    if (!hak_current.keeper_name[0] || hak_current_is_over())
        return;
    /* A worker that slept and has heard the bell lives; and what a keeper holds is not lost. */
    if (hak_ring_doorbell_wake(session) > 0 || keeper_holds(session, &since))
        return;
    /* The keeper is dead. A worker that lives shows it soon, and starts another. */
    uint64_t begin = hak_monotonic_ns();
    while (!has_moved(session, &since)) {
        if (hak_monotonic_ns() - begin >= SURE_MS * HAK_MILLISECOND_NS) {
            replace_dead(LAST_BEAT_MS, true);
            return;
        }
        hak_wait_on(&session->commits, since.commits, SLICE_AT_END_MS * HAK_MILLISECOND_NS);
        if (hak_ring_doorbell_wake(session) > 0)
            return;
    }
}

void hak_collector_forget(void) {
    atomic_store(&at_work, 0);
    atomic_store(&next_look_ns, 0);
    attempts = 0;
}
