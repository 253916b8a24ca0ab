/* A process has the right parent when entries of the process table change hands, a later tick is
 * never told an earlier time, and session memory lets nobody write any more. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "collector/session/ends.h"
#include "collector/kernel/pid_namespace.h"
#include "collector/kernel/session_file.h"
#include "../fake_worker.h"
#include "../held_write.h"
#include "../../suite.h"

static void set_up(void) {
    begin_worker();
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 256);
    add_program(1);
}

static int64_t ask_of(const char *what, pid_t pid) {
    char query[120];
    snprintf(query, sizeof query, "SELECT %s FROM process WHERE pid = %d", what, (int)pid);
    return ask(query);
}

/* A process that does nothing until it is killed. */
static pid_t start_process(void) {
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    return pid;
}

/* Until the collector has closed its row and given its entry back. */
static void end_and_close(pid_t pid, uint32_t index) {
    end_child(pid);
    ck_assert(hak_client_look_for_ends(worker.clients[0]));
    commit();
    ck_assert_uint_ne(atomic_load(&fake_process(&program, index)->state), HAK_PROCESS_FREE);
    commit(); /* only now the row's end is stored, too */
    ck_assert_uint_eq(atomic_load(&fake_process(&program, index)->state), HAK_PROCESS_FREE);
}

static void put_fork(uint32_t ring, uint64_t number) {
    fake_put(&program, ring, (struct hak_event_fields){.kind = HAK_FORK, .size = number});
}

TEST(knows_the_parent_that_took_an_entry_of_another) {
    pid_t before = start_process(), parent = start_process(), child = start_process();
    put_fork(0, 1);
    fake_claim_process(&program, 2, before, 0, 1);
    commit();
    end_and_close(before, 2);
    /* Parent and child come between two cuts, the child with the lower number. */
    put_fork(0, 2);
    fake_claim_process(&program, 2, parent, 0, 2);
    fake_claim_ring(&program, 2, 2, 1, 256);
    put_fork(2, 3);
    fake_claim_process(&program, 1, child, 2, 3);
    commit();
    ck_assert_int_eq(ask_of("parent", child), ask_of("id", parent));
    ck_assert_int_gt(ask_of("id", child), ask_of("id", parent));
    ck_assert_int_eq(ask_of("fork_event", child), 3);
    ck_assert_int_eq(ask_of("parent", parent), ask_of("id", getpid()));
    ck_assert_int_eq(ask_of("fork_event", parent), 2);
    end_child(parent);
    end_child(child);
}

/* A child may have made nodes that nobody's record named while it lived; its parent shares them. */
TEST(nodes_stay_those_of_the_process_that_made_them) {
    pid_t first = start_process(), second = start_process();
    fake_claim_process(&program, 1, first, 0, 0);
    uint32_t node = fake_push_node(&program, 0, 0x401000, 1, 0);
    commit();
    end_and_close(first, 1);
    fake_claim_process(&program, 1, second, 0, 0);
    commit();
    fake_event(&program, 0, HAK_MALLOC, 1, 1, node);
    commit();
    ck_assert_int_eq(ask("SELECT process FROM node WHERE ip = 0x401000"), ask_of("id", first));
    ck_assert_int_eq(ask("SELECT count(*) FROM node_map"), 1);
    end_child(second);
}

/* A node whose id was taken may yet be written, by nobody else but a process that is gone. */
TEST(an_entry_waits_for_the_nodes_that_name_it) {
    pid_t first = start_process();
    fake_claim_process(&program, 1, first, 0, 0);
    fake_push_node(&program, 0, 0x401000, 1, 0);
    atomic_store(&program.session->node_count, 3);
    commit();
    end_child(first);
    ck_assert(hak_client_look_for_ends(worker.clients[0]));
    for (int i = 0; i < 3; i++)
        commit();
    ck_assert_uint_ne(atomic_load(&fake_process(&program, 1)->state), HAK_PROCESS_FREE);
    usleep(250000);
    commit(); /* it is given up */
    commit();
    ck_assert_uint_eq(atomic_load(&fake_process(&program, 1)->state), HAK_PROCESS_FREE);
}

/* It came, wrote and went while the collector was at work on a commit. */
TEST(an_entry_waits_for_a_ring_that_no_cut_has_seen) {
    pid_t first = start_process();
    fake_claim_process(&program, 1, first, 0, 0);
    commit();
    end_child(first);
    ck_assert(hak_client_look_for_ends(worker.clients[0]));
    fake_claim_ring(&program, 1, 1, 1, 256);
    put_fork(1, 7);
    for (int i = 0; i < 3; i++)
        hak_client_release(worker.clients[0], &worker.capture.rows);
    ck_assert_uint_ne(atomic_load(&fake_process(&program, 1)->state), HAK_PROCESS_FREE);
    for (int i = 0; i < 3; i++)
        commit();
    ck_assert_uint_eq(atomic_load(&fake_process(&program, 1)->state), HAK_PROCESS_FREE);
    ck_assert_int_eq(ask("SELECT max(process) FROM thread"), ask_of("id", first));
}

TEST(knows_the_parent_whose_entry_is_gone) {
    pid_t parent = start_process(), child = start_process(), other = start_process();
    put_fork(0, 1);
    fake_claim_process(&program, 1, parent, 0, 1);
    fake_claim_ring(&program, 1, 1, 1, 256);
    put_fork(1, 2);
    put_fork(1, 3);
    commit();
    int64_t row = ask_of("id", parent);
    atomic_store(&fake_ring(&program, 1)->state, HAK_RING_CLOSED);
    end_and_close(parent, 1);
    /* Two that it forked come only now: one gets its entry, the other finds that one there. */
    fake_claim_process(&program, 1, child, 1, 2);
    fake_claim_process(&program, 2, other, 1, 3);
    commit();
    ck_assert_int_eq(ask_of("parent", child), row);
    ck_assert_int_eq(ask_of("fork_event", child), 2);
    ck_assert_int_eq(ask_of("parent", other), row);
    ck_assert_int_eq(ask_of("fork_event", other), 3);
    end_child(child);
    end_child(other);
}

TEST(knows_the_parent_when_its_fork_is_stored_last) {
    pid_t child = start_process();
    fake_claim_process(&program, 1, child, 1, 5); /* it calls itself its parent */
    commit();
    ck_assert_int_eq(ask_of("parent", child), 0);
    end_and_close(child, 1);
    put_fork(0, 4);
    put_fork(0, 5);
    commit();
    ck_assert_int_eq(ask_of("parent", child), ask_of("id", getpid()));
    ck_assert_int_eq(ask_of("fork_event", child), 2);
}

TEST(does_not_follow_a_ring_of_parents) {
    pid_t first = start_process(), second = start_process();
    fake_claim_process(&program, 1, first, 2, 0);
    fake_claim_process(&program, 2, second, 1, 0);
    commit();
    ck_assert_int_eq(ask("SELECT count(*) FROM process"), 3);
    ck_assert_int_eq(ask("SELECT count(*) FROM process p JOIN process q ON q.id = p.parent"
                         " WHERE p.id <= q.id"),
                     0);
    end_child(first);
    end_child(second);
}

TEST(does_not_make_a_ring_of_parents_of_forks) {
    pid_t first = start_process(), second = start_process();
    fake_claim_process(&program, 1, first, UINT32_MAX, 7);
    fake_claim_ring(&program, 1, 1, 1, 256);
    fake_claim_process(&program, 2, second, UINT32_MAX, 8);
    fake_claim_ring(&program, 2, 2, 1, 256);
    commit();
    put_fork(1, 8); /* each says that it forked the other */
    put_fork(2, 7);
    commit();
    ck_assert_int_eq(ask_of("parent", second), ask_of("id", first));
    ck_assert_int_eq(ask("SELECT count(*) FROM process p JOIN process q ON q.id = p.parent"
                         " WHERE p.id <= q.id"),
                     0);
    end_child(first);
    end_child(second);
}

/* Anchors that are late by as much as `late`, every so often, and cuts a millisecond apart. */
/* The child calls itself as a process of this namespace is called, whose end is not its own. */
TEST(does_not_watch_the_process_of_the_same_number) {
    pid_t other = start_process();
    put_fork(0, 1);
    fake_process(&program, 1)->pid_space = 1; /* which is no namespace's */
    fake_claim_process(&program, 1, other, 0, 1);
    fake_process(&program, 2)->pid_space = hak_pid_namespace_own();
    fake_claim_process(&program, 2, other, 0, 2);
    commit();
    ck_assert_int_eq(worker.clients[0]->processes[1].pid, 0);
    ck_assert_int_eq(worker.clients[0]->processes[2].pid, other);
    end_child(other);
    ck_assert(hak_client_look_for_ends(worker.clients[0]));
    ck_assert_int_eq(worker.clients[0]->processes[1].phase, HAK_PHASE_LIVE);
    ck_assert_int_eq(worker.clients[0]->processes[2].phase, HAK_PHASE_GONE);
}

/* As the worker does when the keeper says it. */
static void hear_unrecorded(const struct hak_who *who, uint64_t ns) {
    hak_client_look_at_processes(worker.clients[0], &worker.capture.rows, -1);
    hak_ends_unrecorded(worker.clients, 1, &worker.capture.rows, who, 0, "no memory", ns);
}

/* A message of a process of another namespace about itself is about no row of the same number. */
TEST(does_not_note_the_process_of_the_same_number) {
    pid_t other = start_process();
    fake_process(&program, 1)->pid_space = hak_pid_namespace_own();
    fake_claim_process(&program, 1, other, 0, 1);
    commit();
    uint32_t row = worker.clients[0]->processes[1].row;
    end_child(other);
    ck_assert(hak_client_look_for_ends(worker.clients[0]));
    commit();
    commit();
    struct hak_process_info *info = hak_rows_process_info(&worker.capture.rows, row);
    info->row.end_kind = 4;
    hak_rows_note(&worker.capture.rows, row,
                  "executed a, which was not recorded: it may be static");
    struct hak_who who = {.outer = 0, .inner = other, .space = 1};
    ck_assert(!hak_rows_is_process(info, &who));
    uint64_t ns = fake_monotonic();
    hear_unrecorded(&who, ns);
    ck_assert_ptr_nonnull(
        strstr(hak_rows_process_info(&worker.capture.rows, row)->row.note, "static"));
    ck_assert_uint_eq(worker.capture.rows.process_count, row + 1);
    who.space = hak_pid_namespace_own();
    hear_unrecorded(&who, ns + 1);
    ck_assert_str_eq(hak_rows_process_info(&worker.capture.rows, row)->row.note,
                     "executed a, which was not recorded: no memory");
}

/* A worker hears again what the one before it had heard. */
TEST(a_note_told_again_changes_nothing) {
    pid_t process = start_process();
    struct hak_peer peer;
    uint64_t ns = fake_monotonic();
    struct hak_who spawned = {.inner = process, .space = 1},
                   forked = {.outer = process, .inner = process};
    for (int time = 0; time < 2; time++) /* its own start is not known: a child that is reaped */
        hear_unrecorded(&spawned, ns);
    hear_unrecorded(&spawned, ns + 1);
    ck_assert_uint_eq(worker.capture.rows.process_count, 3);
    fake_claim_process(&program, 1, process, 0, 1);
    ck_assert(hak_peer_read(process, &peer));
    forked.start_time = peer.start_time;
    commit();
    uint32_t row = worker.clients[0]->processes[1].row;
    ck_assert_uint_eq(row, 4);
    hear_unrecorded(&forked, ns + 2);
    end_and_close(process, 1);
    hear_unrecorded(&forked, ns + 2);
    ck_assert_str_eq(hak_rows_process_info(&worker.capture.rows, row)->row.note, "no memory");
    ck_assert_uint_eq(worker.capture.rows.process_count, 4);
}

/* Nor is it about what the process has become since. */
TEST(a_note_is_about_what_was_there_then) {
    pid_t process = start_process();
    fake_claim_process(&program, 1, process, 0, 1);
    commit();
    struct hak_process_info *info =
        hak_rows_process_info(&worker.capture.rows, worker.clients[0]->processes[1].row);
    info->row.start_ns = 5000000000;
    struct hak_who who = {.outer = process, .inner = process};
    hear_unrecorded(&who, 1);
    info = hak_rows_process_info(&worker.capture.rows, worker.clients[0]->processes[1].row);
    ck_assert_str_eq(info->row.note, "");
    ck_assert_uint_eq(worker.capture.rows.process_count, 3);
    end_child(process);
}

TEST(never_goes_back, .until = 5) {
    struct hak_clock clock;
    uint64_t told[40000] = {0}, late[] = {0, 200, 30000, 3000000, 20000000};
    srandom((unsigned)_i + 1);
    hak_clock_start(&clock, 0, 1000);
    for (uint32_t cut = 1; cut <= 400; cut++) {
        uint64_t ticks = 3000000 * (uint64_t)cut;
        uint64_t off = random() % 8 ? (uint64_t)random() % 100 : late[_i % 5];
        hak_clock_anchor(&clock, ticks, 1000 + ticks / 3 + off);
        for (uint32_t i = cut > 20 ? (cut - 20) * 100 : 0; i < cut * 100; i++) {
            uint64_t ns = hak_clock_exact_ns(&clock, (uint64_t)i * 30000);
            ck_assert_msg(told[i] == 0 || told[i] == ns, "tick %u: %ju, then %ju", i,
                          (uintmax_t)told[i], (uintmax_t)ns);
            ck_assert_msg(i == 0 || ns > told[i - 1], "tick %u: %ju behind %ju", i, (uintmax_t)ns,
                          (uintmax_t)told[i - 1]);
            told[i] = ns;
        }
    }
    ck_assert_uint_lt(told[39999] - told[0], 400000000 + 2 * late[_i % 5] + 1000);
    ck_assert_uint_gt(told[39999] - told[0], 399000000);
}

/* A machine may set the TSC back while it sleeps, even behind the session's start. */
TEST(goes_on_when_ticks_jump, .until = 3) {
    struct hak_clock clock;
    const uint64_t second = 3000000000;
    uint64_t jump = _i == 0 ? 0 - 5 * second : _i == 1 ? 2 * second : (uint64_t)1 << 62;
    hak_clock_start(&clock, 0, 0);
    for (uint32_t i = 1; i <= 10; i++)
        hak_clock_anchor(&clock, i * second, i * (uint64_t)1000000000);
    hak_clock_anchor(&clock, jump, (uint64_t)11 * 1000000000);
    hak_clock_anchor(&clock, 12 * second, (uint64_t)12 * 1000000000);
    ck_assert_uint_le(hak_clock_exact_ns(&clock, 12 * second), (uint64_t)12 * 1000000000);
    ck_assert_uint_ge(hak_clock_exact_ns(&clock, 12 * second) + 2, (uint64_t)12 * 1000000000);
}

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

/* A hostile program seals its memory between two mappings of the worker's, which maps it anew for
 * each question where there is no /proc. */
TEST(reads_memory_that_was_sealed_against_writers) {
    struct hak_mapping *map = &worker.clients[0]->map;
    ck_assert(!hak_mapping_is_abandoned(map));
    ck_assert_int_eq(fcntl(program.memfd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
    ck_assert(!hak_mapping_is_abandoned(map));
    map->is_own = false;
    ck_assert(hak_mapping_is_abandoned(map));
    ck_assert_ptr_nonnull(map->memory);
    commit();
    ck_assert_int_eq(ask_of("count(*)", getpid()), 1);
}

/* A write that does not end proves that somebody has the memory, and does not hold the worker up.
 */
TEST(asks_for_the_end_while_a_write_does_not_end) {
    struct hak_mapping *map = &worker.clients[0]->map;
    struct held_write held;
    if (!held_write_begin(&held, program.memfd)) {
        puts("no userfaultfd here: not tried");
        return;
    }
    ck_assert(!hak_mapping_is_abandoned(map));
    held_write_end(&held);
    fake_let_go(&program);
    ck_assert(hak_mapping_is_abandoned(map));
}

/* Without a descriptor left to open it anew the worker goes on by the lock: F_SEAL_WRITE, by which
 * the end is asked without /proc, can be held up by a hostile writer. */
TEST(takes_memory_without_a_descriptor_left) {
    struct hak_mapping map;
    struct rlimit files, few = {0};
    int memfd = dup(program.memfd);
    ck_assert(hak_session_file_make_own(&memfd)); /* the keeper has */
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    few.rlim_max = files.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    const char *why = hak_mapping_open(&map, memfd);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    ck_assert_ptr_null(why);
    ck_assert(map.is_own);
    ck_assert(!hak_mapping_is_abandoned(&map));
    hak_mapping_close(&map);
}

RUN_TESTS(.set_up = set_up, .tear_down = end_worker)
