/* Begins recording: session memory, keeper, first process entry; and ends it. */
#include "trace/process/process.h"
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <stdlib.h>
#include "hop.h"
#include "options.h"
#include "superslab.h"
#include "trace/crash/crash.h"
#include "trace/memory/memory.h"
#include "trace/keeper/keeper.h"
#include "unwind/modules.h"
#include "trace/ring/ring.h"
#include "platform/line.h"
#include "trace/ring/stack_room.h"
#include "trace/stacks/stacks.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"
#include "trace/wait.h"

enum {
    LAST_COMMIT_MS = 10000,
    WAIT_SLICE_MS = 50,
    LAST_LOOK_MS = 20,
};

/* Says that, and why, nothing will be recorded: in the recording that this process should belong
 * to, else on stderr. */
static void say_unrecorded(const struct hak_keeper_failure *failure) {
    struct hak_line why = {0}, line = {0};
    char name[sizeof hak_current.keeper_name];
    if (failure->is_hidden) /* the row of who executed it says it */
        return;
    hak_environment_read_session(name, sizeof name);
    hak_start_add_reason(&why, failure);
    if (name[0] && hak_keeper_tell_unrecorded(name, hak_line_text(&why), 0))
        return;
    hak_line_add(&line, "hakmem: nothing is recorded: ");
    hak_line_add(&line, hak_line_text(&why));
    hak_line_add(&line, "; the program runs checked but unrecorded, no file is written"
                        " (HAKMEM_TRACE=off asks for that without this line)\n");
    (void)hak_line_write(&line, 2);
}

/* Finds or starts the keeper for `memory`. */
static bool find_keeper(const struct hak_session_memory *memory,
                        struct hak_keeper_failure *failure) {
    struct hak_hello_answer answer;
    char name[sizeof answer.session_name];
    hak_environment_read_session(name, sizeof name);
    bool found =
        name[0] && hak_keeper_join(name, memory->file, memory->total_bytes, &answer, failure);
    /* Gone, or ending in this moment, or a stranger has its name. */
    bool is_lost = failure->error == ECONNREFUSED || failure->error == ECONNRESET ||
                   failure->error == EPIPE || failure->error == EPERM || failure->error == EAGAIN;
    if (!found && is_lost && hak_keeper_is_elsewhere(name)) {
        failure->is_hidden = !hak_keeper_offer(memory->session);
        if (failure->is_hidden)
            return false;
        memcpy(answer.session_name, name, sizeof name);
        found = true;
    } else if (!found && name[0] && is_lost && hak_options.trace) {
        memory->session->resume_store = HAK_RESUME_TREE;
        found = hak_keeper_succeed(name, memory->file, memory->total_bytes, &answer, failure);
    }
    if (!found && !hak_keeper_start(NULL, memory->file, memory->total_bytes, &answer, failure))
        return false;
    memcpy(hak_current.keeper_name, answer.session_name, sizeof hak_current.keeper_name);
    atomic_store(&memory->session->keeper_heartbeat_ns, hak_monotonic_ns());
    if (strcmp(answer.session_name, name) != 0)
        hak_environment_set_tree(answer.session_name, memory->session->store_path);
    return true;
}

void hak_start_tell_process(void) {
    const struct hak_process_entry *entry = hak_current.process;
    struct {
        int32_t pid, parent_pid;
        uint32_t process, parent;
        uint64_t fork_number;
    } payload = {entry->pid, entry->parent_pid, hak_current.process_index, entry->parent,
                 entry->fork_number};
    struct hak_payload_part part = {&payload, sizeof payload};
    struct hak_event_fields head = {.kind = HAK_PROCESS_START, .class_index = HAK_CLASS_NONE};
    hak_ring_write_bytes(&head, &part, 1);
}

bool hak_start_with_keeper(struct hak_keeper_failure *failure) {
    struct hak_session_memory memory;
    failure->what = "no session memory";
    failure->error = hak_memory_make(0, &memory);
    if (failure->error == EFBIG)
        failure->what = "the limits of the process (ulimit -f, -v) leave no room for the session";
    if (failure->error)
        return false;
    if (!hak_options.trace)
        memory.session->resume_store = HAK_RESUME_NO_STORE;
    hak_start_publish(memory.session);
    bool found = find_keeper(&memory, failure);
    (void)hak_raw_call(SYS_close, memory.file, 0, 0, 0, 0, 0);
    if (found)
        *failure = (struct hak_keeper_failure){.what = "no session memory", .error = ENOMEM};
    if (!found || !hak_current_begin(memory.session, memory.total_bytes)) {
        hak_raw_unmap(memory.session, memory.total_bytes);
        return false;
    }
    return hak_current_claim_process(UINT32_MAX, 0);
}

/* Kept, since what the kernel said lies on the stack, which may be destroyed later. */
static bool is_secure;

bool hak_start_is_secure(void) {
    return is_secure;
}

static bool begin(struct hak_keeper_failure *failure) {
    failure->what = "no file for the rings can be made";
    return (!hak_start_is_below_file() && hak_start_with_keeper(failure)) ||
           (!failure->is_hidden && hak_start_in_file(failure));
}

void hak_trace_start(void) {
    struct hak_keeper_failure failure = {0};
    is_secure = getauxval(AT_SECURE) != 0;
    if (is_secure)
        return;
    hak_counters_dump_start();
    hak_modules_start(&hak_stacks_listener);
    if (hak_options.trace && strcmp(hak_options.session, HAK_SESSION_NONE) != 0) {
        if (begin(&failure)) {
            struct hak_stacks_setup stacks = {.nodes = hak_current.nodes,
                                              .node_capacity = hak_current.node_capacity,
                                              .node_count = &hak_current.session->node_count,
                                              .no_stack = &hak_current.process->no_stack,
                                              .process = hak_current.process_index,
                                              .depth = (uint32_t)hak_options.stack_depth};
            if (!hak_current.overwrites) { /* in a file nobody takes any */
                stacks.nodes_mapped = &hak_current.session->nodes_mapped;
                stacks.wait_for_room = hak_stack_room_wait;
                stacks.ask_for_room = hak_stack_room_ask;
            }
            hak_current.counters.process = hak_current.process_index;
            hak_counters_begin(&hak_current.counters);
            hak_start_tell_process();
            hak_modules_tell_all();
            hak_stacks_start(&stacks);
        } else {
            hak_current.session = NULL;
            say_unrecorded(&failure);
            hak_environment_set_session(HAK_SESSION_NONE);
        }
    }
    if (!hak_current.session) {
        hak_counters_begin_private();
        (void)hak_stacks_start_private((uint32_t)hak_options.stack_depth);
    }
    if (!hak_trace_hears())
        hak_counters_dropped = HAK_COUNTERS_IN_CHILD; /* what is not counted agrees with nothing */
    hak_crash_start();
}

/* True when the collector has all records of the session. */
static bool is_committed(void) {
    uint32_t high = atomic_load(&hak_current.session->rings_high);
    for (uint32_t i = 0; i < high && i < HAK_RINGS; i++) {
        const struct hak_ring_entry *ring = &hak_current.rings[i];
        if (atomic_load(&ring->state) != HAK_RING_FREE &&
            atomic_load(&ring->head) != atomic_load(&ring->tail))
            return false;
    }
    return true;
}

/* As PID 1 nobody outlives this process: what is not committed now is lost. */
static void wait_for_last_commit(void) {
    uint64_t deadline = hak_monotonic_ns() + LAST_COMMIT_MS * HAK_MILLISECOND_NS;
    while (!is_committed() && hak_monotonic_ns() < deadline) {
        uint32_t commits = atomic_load(&hak_current.session->commits);
        hak_ring_doorbell(hak_current.session);
        hak_wait_on(&hak_current.session->commits, commits, WAIT_SLICE_MS * HAK_MILLISECOND_NS);
    }
}

static bool is_last_process(void) {
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

void hak_start_leave_file(void) {
    if (!hak_current.overwrites)
        return;
    hak_ring_note_now();
    if (is_last_process())
        hak_memory_trim_file(hak_current.session, hak_current.total_bytes);
}

bool hak_start_is_own(void) {
    long self = hak_current.pid == 0 ? 0 : hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    /* Where a sandbox does not let it ask, nothing is forked either. */
    return !hak_writer.in_vfork_child && (self == hak_current.pid || self < 0);
}

void hak_trace_end(void) {
    struct hak_session *session = hak_current.session;
    if (!hak_current_ready() || hak_crash_is_reporting() || !hak_start_is_own())
        return;
    struct hak_event_fields end = {.kind = HAK_PROCESS_END, .class_index = HAK_CLASS_NONE};
    hak_trace_record(&end);
    hak_keeper_make_sure();
    session->monotonic_end_ns = hak_monotonic_ns();
    session->tsc_end = __builtin_ia32_rdtsc();
    atomic_store(&hak_current.process->tsc_end, hak_session_ticks());
    atomic_store(&hak_current.process->state, HAK_PROCESS_ENDED);
    if (hak_current.overwrites)
        hak_ring_close_all();
    if (is_last_process())
        atomic_store(&session->closing, 1);
    hak_start_leave_file();
    hak_ring_doorbell(session);
    if (hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0) == 1 && !hak_current.overwrites)
        wait_for_last_commit();
}

/* After the sweep and the leak scan, which record: destructors with a smaller number go later. */
__attribute__((destructor(102))) static void at_exit(void) {
    if (hak_start_is_own())
        hak_counters_dump();
    hak_trace_end();
}

static void note_status(int status) {
    if (hak_current_ready() && hak_current.process && hak_start_is_own())
        atomic_store(&hak_current.process->end_status, HAK_END_KNOWN | ((uint32_t)status & 0xff)
                                                                           << 8);
}

/* As PID 1, whose end is also that of a collector in its namespace: lets go of the session memory,
 * which is what the collector waits for, and waits, bounded, until it has closed the store and is
 * gone. Other threads stand still from here on. */
static void finish_as_init(void) {
    char name[sizeof hak_current.keeper_name];
    uint64_t signals;
    if (!hak_current_ready() || hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0) != 1 ||
        !is_last_process() || !hak_keeper_answers_inside(hak_current.keeper_name))
        return;
    memcpy(name, hak_current.keeper_name, sizeof name);
    hak_block_signals(&signals);
    hak_current_freeze();
    (void)hak_raw_call(SYS_mmap, (long)hak_current.session, (long)hak_current.total_bytes,
                       PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    hak_current.session = NULL;
    uint64_t deadline = hak_monotonic_ns() + LAST_COMMIT_MS * HAK_MILLISECOND_NS;
    while (hak_keeper_answers(name) && hak_monotonic_ns() < deadline) {
        struct timespec nap = {0, LAST_LOOK_MS * (long)HAK_MILLISECOND_NS};
        (void)hak_raw_call(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
    }
    hak_restore_signals(&signals);
}

/* Called by exit, with its argument, after all handlers that the program has set up. */
static void note_exit(int status, void *unused) {
    (void)unused;
    note_status(status);
    finish_as_init();
}

__attribute__((constructor)) static void hear_of_exit(void) {
    if (hak_current_ready()) /* not in a sanitizer's program, whose on_exit is not ready yet */
        (void)on_exit(note_exit, NULL); /* glibc keeps the first 32 without allocating */
}

/* Shells end by _exit, which runs no destructor. A vfork child's end is not its parent's. */
static _Noreturn void end_process(int status) {
    note_status(status);
    if (hak_start_is_own())
        hak_counters_dump();
    hak_trace_end();
    if (hak_start_is_own())
        finish_as_init();
    for (;;)
        (void)hak_raw_call_always(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

HAK_EXPORT _Noreturn void _exit(int status) {
    end_process(status);
}

HAK_EXPORT _Noreturn void _Exit(int status) {
    end_process(status);
}
