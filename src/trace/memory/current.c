/* Knows which session and process entry are this process's own, also after a fork nobody announced.
 */
#include "trace/memory/current.h"
#include <string.h>
#include "platform/platform.h"
#include "trace/memory/make.h"
#include "trace/memory/proc.h"
#include "trace/trace.h"
#include "trace/wait.h"

enum { FREEZE_MS = 1000, WAIT_SLICE_MS = 20 };

static _Atomic uint32_t never;
static _Atomic uint32_t frozen; /* kernel's id of the thread that exchanges the memory, 0 = none */
static _Atomic uint32_t claims; /* threads between enter_claim and leave_claim */

static struct hak_session *unentered; /* the memory in which this process found no entry */

struct hak_current hak_current = {.alive = &never};

void hak_current_count_unentered(void) {
    if (atomic_load_explicit(&hak_clock_is_barred, memory_order_relaxed))
        atomic_fetch_add_explicit(&hak_current.process->lost_unringed, 1, memory_order_relaxed);
    if (unentered)
        atomic_fetch_add_explicit(&unentered->unentered_events, 1, memory_order_relaxed);
}

static _Atomic uint32_t *own_word; /* of the session that was let go of */

void hak_current_let_go(void) {
    own_word = hak_current.is_left ? own_word : hak_current.alive;
    hak_current.is_left = true;
    atomic_store(own_word, HAK_ALIVE_LEFT);
    (void)hak_raw_call(SYS_mmap, hak_current.session, hak_current.total_bytes,
                       PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1);
}

bool hak_current_take_place(struct hak_session_memory *memory) {
    if (!hak_current.is_left || !hak_current.session ||
        hak_current.total_bytes != memory->total_bytes ||
        hak_raw_call(SYS_mmap, hak_current.session, memory->total_bytes, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_FIXED, memory->file) != (long)(void *)hak_current.session)
        return false;
    hak_raw_unmap(memory->session, memory->total_bytes);
    memory->session = hak_current.session;
    hak_memory_leave_out_of_cores(memory->session, memory->total_bytes);
    return true;
}

/* Claims a free entry in the table of `session` and fills in this process. False: none is free. */
static bool claim_process(struct hak_session *session, uint32_t parent, uint64_t fork_number) {
    for (uint32_t index = 0; index < HAK_PROCESSES; index++) {
        struct hak_process_entry *entry = &hak_current.processes[index];
        uint32_t free = HAK_PROCESS_FREE;
        if (atomic_load_explicit(&entry->state, memory_order_relaxed) != HAK_PROCESS_FREE ||
            !atomic_compare_exchange_strong(&entry->state, &free, HAK_PROCESS_CLAIMED))
            continue;
        memset((char *)entry + sizeof entry->state, 0, sizeof *entry - sizeof entry->state);
        entry->pid = (int32_t)hak_raw_call(SYS_getpid);
        entry->parent_pid = (int32_t)hak_raw_call(SYS_getppid);
        entry->pid_space = hak_proc_pid_space();
        entry->parent = parent;
        entry->fork_number = fork_number;
        atomic_store_explicit(&entry->flags, hak_current.flags, memory_order_relaxed);
        memcpy(entry->malloc_by, hak_current.malloc_by, sizeof entry->malloc_by);
        if (hak_current.overwrites) /* nobody else will be able to find out */
            entry->start_time = hak_proc_start_time();
        entry->tsc_start = hak_current.tsc_process ? hak_current.tsc_process - hak_current.tsc_start
                                                   : hak_session_ticks();
        hak_raise_to(&session->processes_high, index + 1);
        hak_current.process = entry;
        hak_current.process_index = index;
        hak_current.pid = entry->pid;
        atomic_store_explicit(&entry->state, HAK_PROCESS_LIVE, memory_order_release);
        return true;
    }
    return false;
}

bool hak_current_claim_process(uint32_t parent, uint64_t fork_number) {
    return claim_process(hak_current.session, parent, fork_number);
}

bool hak_current_begin(struct hak_session *session, uint64_t total_bytes) {
    _Atomic uint32_t *word = own_word ? own_word : hak_raw_map(HAK_PAGE_BYTES);
    if (!word)
        return false;
    /* Without it (before Linux 4.14) only forks through libc are noticed. */
    (void)hak_raw_call(SYS_madvise, word, HAK_PAGE_BYTES, MADV_WIPEONFORK);
    char *start = (char *)session;
    hak_current.processes = (struct hak_process_entry *)(start + session->process_offset);
    hak_current.rings = (struct hak_ring_entry *)(start + session->ring_offset);
    hak_current.nodes = (struct hak_node *)(start + session->node_offset);
    hak_current.report = (struct hak_report_request *)(start + session->report_offset);
    uint64_t owners_bytes = session->metrics_blocks * sizeof(hak_counters_owner_t);
    hak_current.counters = (struct hak_counters_place){
        .owners = (hak_counters_owner_t *)(void *)(start + session->metrics_offset),
        .blocks = start + session->metrics_offset + HAK_COUNTERS_UP_TO(owners_bytes),
        .high = &session->metrics_high,
        .capacity = (uint32_t)session->metrics_blocks};
    hak_current.tsc_start = session->tsc_start;
    hak_current.total_bytes = total_bytes;
    hak_current.extent_offset = session->extent_offset;
    hak_current.extent_count = (uint32_t)session->extent_count;
    hak_current.node_capacity = (uint32_t)session->node_capacity;
    if (!claim_process(session, UINT32_MAX, 0)) {
        if (word != own_word)
            hak_raw_unmap((void *)word, HAK_PAGE_BYTES);
        return false;
    }
    /* Other threads may run: once one of them finds a session, all of it is there, and a word that
     * is not WIPED. */
    atomic_store(word, own_word ? HAK_ALIVE_LEFT : HAK_ALIVE_PAUSED);
    __atomic_store_n(&hak_current.alive, word, __ATOMIC_RELEASE);
    atomic_thread_fence(memory_order_seq_cst);
    hak_current.session = session;
    atomic_thread_fence(memory_order_seq_cst);
    hak_current.is_left = false;
    atomic_store(word, HAK_ALIVE_GO);
    return true;
}

void hak_current_leave(void) {
    if (hak_current.session) {
        atomic_fetch_add(&hak_current.session->unentered, 1);
        atomic_store(&hak_current.session->unentered_ns, hak_monotonic_ns());
        unentered = hak_current.session;
    }
    hak_current.session = NULL;
    hak_current.alive = &never;
}

void hak_current_forget_others(void) {
    atomic_store(&frozen, 0);
    atomic_store(&claims, 0);
}

static void wait_for_thaw(void) {
    for (uint32_t who; (who = atomic_load(&frozen)) != 0;)
        hak_wait_on(&frozen, who, WAIT_SLICE_MS * HAK_MILLISECOND_NS);
}

void hak_current_enter_claim(void) {
    while (atomic_fetch_add(&claims, 1), atomic_load(&frozen) != 0) {
        atomic_fetch_sub(&claims, 1);
        wait_for_thaw();
    }
}

void hak_current_leave_claim(void) {
    atomic_fetch_sub(&claims, 1);
}

bool hak_current_collector_beats(uint64_t ms) {
    struct hak_session *session = hak_current.session;
    uint64_t now = hak_monotonic_ns();
    uint64_t keeper = atomic_load_explicit(&session->keeper_heartbeat_ns, memory_order_relaxed);
    uint64_t worker = atomic_load_explicit(&session->worker_heartbeat_ns, memory_order_relaxed);
    uint64_t last = keeper > worker ? keeper : worker;
    return now <= last || now - last < ms * HAK_MILLISECOND_NS; /* a beat may be newer than `now` */
}

void hak_current_await_commit(uint32_t commits, uint64_t ms) {
    hak_ring_doorbell(hak_current.session);
    hak_wait_on(&hak_current.session->commits, commits, ms * HAK_MILLISECOND_NS);
}

/* Makes a full barrier on all threads of this process, so that writers need none (Linux 4.14). */
static void barrier_everywhere(void) {
    enum { EXPEDITED = 1 << 3, REGISTER_EXPEDITED = 1 << 4 };
    (void)hak_raw_call(SYS_membarrier, REGISTER_EXPEDITED);
    if (hak_raw_call(SYS_membarrier, EXPEDITED) != 0) {
        hak_sleep_ms(WAIT_SLICE_MS);
    }
}

void hak_current_freeze(bool (*others_write)(void)) {
    atomic_store(&frozen, (uint32_t)hak_raw_call(SYS_gettid));
    atomic_store(hak_current.alive, HAK_ALIVE_PAUSED);
    barrier_everywhere();
    /* A writer that is stopped in the middle (a debugger, a handler that waits for room) is not
     * waited for for ever: of its ring one record may be wrong. */
    uint64_t deadline = hak_monotonic_ns() + FREEZE_MS * HAK_MILLISECOND_NS;
    while ((atomic_load(&claims) != 0 || others_write()) && hak_monotonic_ns() < deadline)
        (void)hak_raw_call(SYS_sched_yield);
}

/* Lets the threads that hak_current_freeze stopped write again. */
void hak_current_thaw(void) {
    atomic_store(hak_current.alive, HAK_ALIVE_GO);
    atomic_store(&frozen, 0);
    hak_wake(&frozen);
}

void hak_current_thaw_left(void) {
    atomic_store(&frozen, 0);
    hak_wake(&frozen);
}

bool hak_current_ready_slowly(void) {
    /* A thread that sees the session sees its word, and not `never` (hak_current_begin). */
    if (!__atomic_load_n(&hak_current.session, __ATOMIC_ACQUIRE) || hak_current.is_left)
        return false;
    if (atomic_load_explicit(&hak_clock_is_barred, memory_order_relaxed))
        return false;
    uint32_t alive = atomic_load(hak_current.alive);
    if (alive == HAK_ALIVE_WIPED)
        hak_current.enter_child();
    else if (alive == HAK_ALIVE_PAUSED)
        wait_for_thaw();
    return hak_current.session != NULL;
}

void hak_trace_note_unwatched(unsigned why, bool is_asked) {
    uint32_t flag = is_asked ? HAK_PROCESS_UNWATCHED : HAK_PROCESS_NEWEST_UNWATCHED;
    uint32_t note = flag | (why & 0xff) << HAK_PROCESS_WHY_SHIFT;
    hak_current.flags &= ~(0xffu << HAK_PROCESS_WHY_SHIFT); /* a parent's */
    hak_current.flags |= note;
    if (!hak_current_ready())
        return;
    atomic_fetch_and(&hak_current.process->flags, ~(0xffu << HAK_PROCESS_WHY_SHIFT));
    atomic_fetch_or(&hak_current.process->flags, note);
}

void hak_trace_note_malloc(const char *name) {
    size_t length = strnlen(name, HAK_MALLOC_BY - 1);
    memcpy(hak_current.malloc_by, name, length);
    if (hak_current_ready())
        memcpy(hak_current.process->malloc_by, hak_current.malloc_by, HAK_MALLOC_BY);
}

_Thread_local uint8_t hak_vfork_children __attribute__((tls_model("initial-exec")));

bool hak_is_own_process(void) {
    long self = hak_current.pid == 0 ? 0 : hak_raw_call(SYS_getpid);
    /* Where a sandbox does not let it ask, nothing is forked either. */
    return hak_vfork_children == 0 && (self == hak_current.pid || self < 0);
}

bool hak_is_last_process(void) {
    /* Not the whole table: pages that nobody touched would be made for it. */
    uint32_t high = atomic_load(&hak_current.session->processes_high);
    for (uint32_t i = 0; i < high && i < HAK_PROCESSES; i++) {
        uint32_t state = atomic_load(&hak_current.processes[i].state);
        /* Nobody sets the entry of one back that has executed another program, in a file. */
        bool is_gone = hak_current.overwrites &&
                       atomic_load(&hak_current.processes[i].exec_state) != HAK_EXEC_NONE;
        if (i != hak_current.process_index && !is_gone &&
            (state == HAK_PROCESS_LIVE || state == HAK_PROCESS_CLAIMED))
            return false;
    }
    return true;
}
