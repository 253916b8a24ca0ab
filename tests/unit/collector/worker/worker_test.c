/* The worker against sessions written by hand: order over rings, what a dying worker leaves,
 * several sessions, processes that end, and memory full of nonsense. */
#include <pthread.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include "collector/session/ends.h"
#include "collector/worker/opening.h"
#include "../fake_worker.h"
#include "../../suite.h"
#include "store/reader/reader.h"

static void add(struct hak_worker *w, struct fake_program *p, uint32_t number) {
    struct hak_hello hello = fake_hello(p);
    const char *why = hak_worker_add(w, number, &hello, getpid(), dup(p->memfd));
    ck_assert_msg(why == NULL, "%s", why);
    ck_assert_ptr_nonnull(w->capture.writer);
}

struct events {
    struct hak_event *event;
    uint32_t count;
};

static int keep(void *context, const struct hak_event *event) {
    struct events *all = context;
    all->event = realloc(all->event, (all->count + 1) * sizeof *all->event);
    all->event[all->count++] = *event;
    return 0;
}

static struct events read_events(void) {
    struct events all = {NULL, 0};
    struct hak_store_reader *reader;
    struct hak_filter filter = {.class_index = -1};
    ck_assert_int_eq(
        hak_store_attach(hak_store_writer_database(worker.capture.writer)->connection, &reader), 0);
    ck_assert_int_eq(hak_store_scan(reader, &filter, false, keep, &all), 0);
    hak_store_close(reader);
    return all;
}

TEST(stores_what_rings_hold) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 256);
    add(&worker, &program, 1);
    fake_start_thread(&program, 0, "main");
    uint32_t caller = fake_push_node(&program, 0, 0x401000, 0, 0);
    uint32_t stack = fake_push_node(&program, caller, 0x402000, 0, 0);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, stack);
    fake_event(&program, 0, HAK_FREE, 1, 2, caller);
    commit();
    struct events all = read_events();
    ck_assert_uint_eq(all.count, 3);
    ck_assert_uint_eq(all.event[0].kind, HAK_THREAD_START);
    ck_assert_uint_eq(all.event[1].kind, HAK_MALLOC);
    ck_assert_uint_eq(all.event[1].id, 2);
    ck_assert_uint_eq(all.event[1].address, FAKE_BLOCK + 48);
    ck_assert_uint_eq(all.event[1].base, FAKE_BLOCK + 48);
    ck_assert_uint_eq(all.event[1].size, 24);
    ck_assert_uint_eq(all.event[1].generation, (uint64_t)1 << 32 | 1);
    ck_assert_uint_gt(all.event[2].ns, all.event[1].ns);
    ck_assert_int_eq(ask("SELECT count(*) FROM node"), 2);
    ck_assert_uint_ne(all.event[1].stack, all.event[2].stack);
    char query[120];
    snprintf(query, sizeof query, "SELECT parent FROM node WHERE id = %u", all.event[1].stack);
    ck_assert_int_eq(ask(query), all.event[2].stack);
    ck_assert_int_eq(ask("SELECT count(*) FROM thread WHERE name = 'main' AND tid = 1001"), 1);
    ck_assert_int_eq(ask("SELECT pid FROM process WHERE command_line = 'fake -x'"), getpid());
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 0)->tail), 4);
    ck_assert_uint_eq(atomic_load(&program.session->commits), 1);
}

TEST(merges_rings_by_time) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    for (uint32_t ring = 0; ring < 5; ring++)
        fake_claim_ring(&program, ring, 0, ring + 1, 4096);
    add(&worker, &program, 1);
    srandom(1);
    for (uint32_t i = 0; i < 5000; i++)
        fake_event(&program, (uint32_t)random() % 5, HAK_MALLOC, i, 1, 0);
    commit();
    struct events all = read_events();
    ck_assert_uint_eq(all.count, 5000);
    for (uint32_t i = 0; i < all.count; i++)
        ck_assert_uint_eq(all.event[i].address, FAKE_BLOCK + 48 * (uint64_t)i);
}

/* Two processors need not agree to the nanosecond: the generation decides within a block. */
TEST(puts_a_blocks_records_in_the_order_of_generations) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 1024);
    fake_claim_ring(&program, 1, 0, 2, 1024);
    add(&worker, &program, 1);
    uint64_t t = fake_ticks(&program);
    for (uint32_t i = 0; i < 200; i++, t += 100) {
        struct hak_event_fields f = {.kind = HAK_MALLOC, .class_index = 3, .epoch = 1};
        f.address = FAKE_BLOCK + 48 * (uint64_t)(i % 7);
        f.record_count = 2 * (i / 7) + 1;
        f.time = t + 40; /* the malloc's clock is ahead of the free's that follows it */
        fake_put_at(&program, 0, f);
        f.kind = HAK_FREE;
        f.record_count++;
        f.time = t;
        fake_put_at(&program, 1, f);
    }
    commit();
    struct events all = read_events();
    ck_assert_uint_eq(all.count, 400);
    uint64_t last[7] = {0}, last_of_thread[3] = {0};
    for (uint32_t i = 0; i < all.count; i++) {
        const struct hak_event *e = &all.event[i];
        uint64_t block = (e->base - FAKE_BLOCK) / 48;
        ck_assert_uint_gt(e->generation, last[block]);
        last[block] = e->generation;
        ck_assert_uint_ge(e->ns + 1, last_of_thread[e->thread]);
        last_of_thread[e->thread] = e->ns;
    }
}

/* Records that are published after the cut's moment wait for the next commit, however the heads
 * were read. */
TEST(leaves_what_is_younger_than_the_cut) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 256);
    add(&worker, &program, 1);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    commit();
    struct hak_event_fields f = {.kind = HAK_FREE, .class_index = 3, .epoch = 1};
    uint32_t put = 1, left = 0;
    /* A third of a second ahead, or, where the commit took as long, four times that. */
    for (uint64_t ahead = 1000000000; !left && put < 6; ahead *= 4) {
        f.record_count = ++put;
        f.address = FAKE_BLOCK + 48;
        f.time = fake_ticks(&program) + ahead;
        fake_put_at(&program, 0, f);
        commit();
        left = put - read_events().count;
        ck_assert(left || fake_ticks(&program) > f.time);
    }
    ck_assert_uint_eq(left, 1);
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 0)->tail), put - 1);
    for (int i = 0; i < 2000 && read_events().count < put; i++) {
        usleep(20000);
        commit();
    }
    ck_assert_uint_eq(read_events().count, put);
    ck_assert_uint_gt(fake_ticks(&program), f.time);
}

/* Runs `first` in a process of its own that then dies as if killed: no finish, locks fall. */
static void in_a_worker_that_dies(void (*first)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        first();
        _exit(0);
    }
    ck_assert_int_eq(status_of(pid), 0);
}

static void store_a_hundred(void) {
    add(&worker, &program, 1);
    commit();
    if (read_events().count != 100)
        _exit(1);
}

/* The worker dies after COMMIT and before the tails move: nothing is read twice. */
TEST(next_worker_goes_on_from_the_stores_cursors) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 256);
    uint32_t stack = fake_push_node(&program, 0, 0x401000, 0, 0);
    for (uint32_t i = 0; i < 100; i++)
        fake_event(&program, 0, HAK_MALLOC, i, 1, stack);
    in_a_worker_that_dies(store_a_hundred);
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 0)->tail), 100);
    atomic_store(&fake_ring(&program, 0)->tail, 0); /* as if it had not come to that */
    for (uint32_t i = 100; i < 150; i++)
        fake_event(&program, 0, HAK_MALLOC, i, 1, stack);
    worker.config.resume_store = 1;
    snprintf(worker.config.store_path, sizeof worker.config.store_path, "%s/t.db",
             program.directory);
    add(&worker, &program, 1);
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 0)->tail), 100);
    commit();
    struct events all = read_events();
    ck_assert_uint_eq(all.count, 150);
    for (uint32_t i = 0; i < all.count; i++) {
        ck_assert_uint_eq(all.event[i].address, FAKE_BLOCK + 48 * (uint64_t)i);
        ck_assert_uint_eq(all.event[i].stack, 1);
        ck_assert_uint_eq(all.event[i].process, 1);
        ck_assert_uint_eq(all.event[i].thread, 1);
    }
    ck_assert_int_eq(ask("SELECT count(*) FROM node"), 1);
    ck_assert_int_eq(ask("SELECT count(*) FROM process"), 1);
}

/* As a collector leaves it that notes no suppressed report by its event. */
static void store_as_an_earlier_version(void) {
    const struct hak_database *db;
    store_a_hundred();
    db = hak_store_writer_database(worker.capture.writer);
    if (hak_database_run(db, "DELETE FROM meta WHERE key GLOB 'fault_*'", "") ||
        hak_database_run(db,
                         "INSERT INTO suppression(path, line, text, used) VALUES('/s', 1,"
                         " 'fault:202:f', 3), ('/s', 2, 'fault:*', 2), ('/s', 3, 'leak:*', 8)",
                         ""))
        _exit(1);
}

/* Its events, and how many reports were kept back, are told apart from those that come. */
TEST(notes_what_an_earlier_version_stored_of_faults) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 256);
    for (uint32_t i = 0; i < 100; i++)
        fake_event(&program, 0, HAK_MALLOC, i, 1, 0);
    in_a_worker_that_dies(store_as_an_earlier_version);
    worker.config.resume_store = 1;
    snprintf(worker.config.store_path, sizeof worker.config.store_path, "%s/t.db",
             program.directory);
    add(&worker, &program, 1);
    ck_assert_int_eq(ask("SELECT CAST(value AS INTEGER) FROM meta WHERE key ="
                         " 'fault_suppressions_before'"),
                     5);
    ck_assert_int_eq(
        ask("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'fault_events_since'"), 100);
}

static void hear_note(uint64_t ns) {
    struct hak_who who = {.inner = 77777, .space = 1};
    hak_opening_reopen(&worker, true);
    hak_ends_unrecorded(worker.clients, worker.client_count, &worker.capture.rows, &who, 0,
                        "no memory", ns);
}

static void store_a_note(void) {
    add(&worker, &program, 1);
    hear_note(1000);
    commit();
    ck_assert_int_eq(hak_store_finish(worker.capture.writer), 0);
}

/* No session is left: the store, which is closed, is gone on with for what it does not have. */
TEST(stores_a_note_that_is_told_again_once) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    in_a_worker_that_dies(store_a_note);
    worker.config.resume_store = 1;
    snprintf(worker.config.store_path, sizeof worker.config.store_path, "%s/t.db",
             program.directory);
    hear_note(1000);
    hear_note(2000);
    ck_assert_ptr_nonnull(worker.capture.writer);
    commit();
    ck_assert_int_eq(ask("SELECT count(*) FROM process"), 3);
    ck_assert_int_eq(ask("SELECT count(*) FROM process WHERE pid = 77777"), 2);
    add(&worker, &program, 2);
    commit();
    ck_assert_int_eq(ask("SELECT count(*) FROM process"), 3);
}

static void store_a_start(void) {
    add(&worker, &program, 1);
    commit();
    if (ask("SELECT count(*) FROM thread WHERE creator = 3 AND stack = 2") != 1)
        _exit(1);
}

/* Where a thread was created stands in its row, and stays there: also when the next worker changes
 * the row. */
TEST(keeps_where_a_thread_was_created) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 7, 256);
    uint32_t caller = fake_push_node(&program, 0, 0x401000, 0, 0);
    uint32_t stack = fake_push_node(&program, caller, 0x402000, 0, 0);
    fake_start_created(&program, 0, "worker", 3, stack);
    in_a_worker_that_dies(store_a_start);
    fake_put_bytes(&program, 0, HAK_THREAD_END, "\x01\0\0\0\0\0\0\0renamed\0\0\0\0\0\0\0\0", 24);
    worker.config.resume_store = 1;
    snprintf(worker.config.store_path, sizeof worker.config.store_path, "%s/t.db",
             program.directory);
    add(&worker, &program, 1);
    commit();
    ck_assert_int_eq(ask("SELECT count(*) FROM thread WHERE name = 'renamed' AND end_ns > 0"), 1);
    ck_assert_int_eq(ask("SELECT creator FROM thread WHERE number = 7"), 3);
    ck_assert_int_eq(ask("SELECT ip FROM node, thread WHERE node.id = stack AND number = 7"),
                     0x402000);
    struct events all = read_events();
    ck_assert_uint_eq(all.event[0].kind, HAK_THREAD_START);
    ck_assert_uint_eq(all.event[0].stack, 2);
}

/* Keeper and worker died together: the program goes on in a copy of its memory, whose rings keep
 * their positions, under a keeper that counts sessions from 1 again. */
TEST(goes_on_for_a_session_before) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 256);
    uint32_t stack = fake_push_node(&program, 0, 0x401000, 0, 0);
    for (uint32_t i = 0; i < 100; i++)
        fake_event(&program, 0, HAK_MALLOC, i, 1, stack);
    in_a_worker_that_dies(store_a_hundred);
    atomic_store(&fake_ring(&program, 0)->tail, 50);
    program.session->previous_id = program.session->session_id;
    program.session->session_id += 1000;
    program.session->resume_store = 1;
    for (uint32_t i = 100; i < 120; i++)
        fake_event(&program, 0, HAK_MALLOC, i, 1, stack);
    /* A stranger is first to say hello to the new keeper: its rings are not the old session's. */
    struct fake_program other = {.memfd = -1};
    memcpy(other.directory, program.directory, sizeof other.directory);
    fake_begin(&other, "t.db");
    other.session->session_id += 5000;
    other.session->resume_store = 1;
    fake_claim_process(&other, 0, getppid(), UINT32_MAX, 0);
    fake_claim_ring(&other, 0, 0, 1, 256);
    fake_event(&other, 0, HAK_FREE, 7, 1, 0);
    add(&worker, &other, 1);
    add(&worker, &program, 2);
    commit();
    struct events all = read_events();
    ck_assert_uint_eq(all.count, 121);
    ck_assert_int_eq(ask("SELECT count(*) FROM process"), 2);
    ck_assert_int_eq(ask("SELECT count(*) FROM node"), 1);
    for (uint32_t i = 0, n = 0; i < all.count; i++)
        if (all.event[i].kind == HAK_MALLOC)
            ck_assert_uint_eq(all.event[i].address, FAKE_BLOCK + 48 * (uint64_t)n++);
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 0)->tail), 120);
    ck_assert_uint_eq(atomic_load(&fake_ring(&other, 0)->tail), 1);
}

TEST(keeps_sessions_apart) {
    struct fake_program other = {.memfd = -1};
    memcpy(other.directory, program.directory, sizeof other.directory);
    fake_begin(&other, "elsewhere.db");
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_process(&other, 0, getppid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 256);
    fake_claim_ring(&other, 0, 0, 1, 256);
    add(&worker, &program, 1);
    add(&worker, &other, 2);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, fake_push_node(&program, 0, 0x401000, 0, 0));
    fake_event(&other, 0, HAK_MALLOC, 2, 1, fake_push_node(&other, 0, 0x401000, 0, 0));
    commit();
    struct events all = read_events();
    ck_assert_uint_eq(all.count, 2);
    ck_assert_uint_ne(all.event[0].process, all.event[1].process);
    ck_assert_uint_ne(all.event[0].thread, all.event[1].thread);
    ck_assert_uint_ne(all.event[0].stack, all.event[1].stack);
    ck_assert_int_eq(ask("SELECT count(DISTINCT session) FROM process"), 2);
    /* One store for the tree: the first session's, and the second hears so. */
    ck_assert_ptr_nonnull(strstr(other.session->store_path, "/t.db"));
}

TEST(says_how_a_process_ended_and_gives_its_rings_back) {
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_process(&program, 1, child, 0, 7);
    fake_claim_ring(&program, 0, 0, 1, 256);
    fake_claim_ring(&program, 3, 1, 1, 256);
    add(&worker, &program, 1);
    fake_put(&program, 0, (struct hak_event_fields){.kind = HAK_FORK, .size = 7});
    fake_event(&program, 3, HAK_MALLOC, 1, 1, 0);
    fake_process(&program, 1)->failed_calls = 5;
    atomic_store(&fake_ring(&program, 3)->lost, 9);
    commit();
    ck_assert_uint_eq(hak_client_live(worker.clients[0]), 2);
    end_child(child);
    fake_event(&program, 3, HAK_MALLOC, 2, 1, 0); /* written before it died, seen after */
    ck_assert(hak_client_look_for_ends(worker.clients[0]));
    commit();
    hak_client_copy_counters(worker.clients[0], &worker.capture.rows);
    commit();
    ck_assert_uint_eq(read_events().count, 3);
    ck_assert_int_eq(ask("SELECT end_kind FROM process WHERE parent = 1"), 2);
    ck_assert_int_eq(ask("SELECT fork_event FROM process WHERE parent = 1"), 1);
    ck_assert_int_eq(ask("SELECT count FROM loss"), 9);
    ck_assert_int_eq(ask("SELECT lost FROM process WHERE parent = 1"), 9);
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 3)->state), HAK_RING_FREE);
    ck_assert_uint_eq(atomic_load(&program.session->extent_taken[3]), 0);
    ck_assert_uint_eq(atomic_load(&fake_process(&program, 1)->state), HAK_PROCESS_FREE);
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 0)->state), HAK_RING_CLAIMED);
}

TEST(asks_the_kernel_whether_anybody_is_left) {
    add(&worker, &program, 1);
    struct hak_client *client = worker.clients[0];
    ck_assert(!hak_client_is_over(client, 1)); /* this process maps it, though no entry says so */
    fake_let_go(&program);
    ck_assert(hak_client_is_over(client, fake_monotonic()));
}

/* It came, ran and executed another program between two looks: its session stays until the other
 * program has said hello, else the keeper would be gone by then. */
TEST(waits_for_what_a_process_not_seen_yet_became) {
    add(&worker, &program, 1);
    struct hak_client *client = worker.clients[0];
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_let_go(&program);
    ck_assert(!hak_client_is_over(client, fake_monotonic()));
    hak_client_look_at_processes(client, &worker.capture.rows, -1);
    ck_assert_uint_eq(hak_client_live(client), 1);
    ck_assert(!hak_client_is_over(client, fake_monotonic() + 2000000000u));
    struct hak_hello hello = {.pid = getpid()};
    hak_client_note_exec(client, &hello, getpid(), 1);
    ck_assert(hak_client_look_for_ends(client));
    commit();
    ck_assert(hak_client_is_over(client, fake_monotonic() + 4000000000u));
    commit();
    ck_assert_int_eq(ask("SELECT end_kind FROM process"), 3);
}

/* The hello of what a process executed had come, and then the collector was killed. */
TEST(says_what_was_executed_and_never_stored) {
    add(&worker, &program, 1);
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    struct hak_client *client = worker.clients[0];
    hak_client_look_at_processes(client, &worker.capture.rows, -1);
    struct hak_hello hello = {.pid = getpid()};
    hak_client_note_exec(client, &hello, getpid(), fake_monotonic());
    ck_assert(hak_client_look_for_ends(client));
    commit();
    commit();
    ck_assert_int_eq(ask("SELECT end_kind FROM process"), 3);
    hak_ends_note_unseen(&worker.capture.rows);
    commit();
    ck_assert_int_eq(ask("SELECT end_kind FROM process"), 4);
    ck_assert_int_eq(ask("SELECT note LIKE '%collector was killed%' FROM process"), 1);
}

TEST(reads_rings_that_were_closed_and_used_again) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    add(&worker, &program, 1);
    uint32_t n = 0;
    for (uint32_t thread = 1; thread <= 40; thread++) {
        fake_claim_ring(&program, 2, 0, thread, 32);
        for (int i = 0; i < 20; i++)
            fake_event(&program, 2, HAK_MALLOC, n++, 1, 0);
        atomic_store(&fake_ring(&program, 2)->state, HAK_RING_CLOSED);
        commit();
        ck_assert_uint_eq(atomic_load(&fake_ring(&program, 2)->state), HAK_RING_FREE);
        /* The next one's first record lies at the begin of its extent. */
        ck_assert_uint_eq(atomic_load(&fake_ring(&program, 2)->head),
                          thread * HAK_RING_RECORDS_MAX);
        ck_assert_uint_eq(atomic_load(&fake_ring(&program, 2)->tail),
                          thread * HAK_RING_RECORDS_MAX);
    }
    struct events all = read_events();
    ck_assert_uint_eq(all.count, n);
    for (uint32_t i = 0; i < n; i++)
        ck_assert_uint_eq(all.event[i].address, FAKE_BLOCK + 48 * (uint64_t)i);
    ck_assert_int_eq(ask("SELECT count(*) FROM thread"), 40);
}

static void store_what_is_there(void) {
    add(&worker, &program, 1);
    commit();
}

/* A worker is killed between the two words by which it gives a ring back. */
TEST(next_worker_gives_a_ring_back_that_was_begun_to_be) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 2, 0, 1, 32);
    struct hak_ring_entry *ring = fake_ring(&program, 2);
    fake_event(&program, 2, HAK_MALLOC, 1, 1, 0);
    in_a_worker_that_dies(store_what_is_there);
    atomic_store(&ring->state, HAK_RING_CLOSED);
    atomic_store(&ring->tail, HAK_RING_RECORDS_MAX);
    worker.config.resume_store = 1;
    snprintf(worker.config.store_path, sizeof worker.config.store_path, "%s/t.db",
             program.directory);
    add(&worker, &program, 1);
    commit();
    ck_assert_uint_eq(atomic_load(&ring->state), HAK_RING_FREE);
    ck_assert_uint_eq(atomic_load(&ring->head), HAK_RING_RECORDS_MAX);
    fake_claim_ring(&program, 2, 0, 2, 32);
    fake_event(&program, 2, HAK_FREE, 1, 2, 0);
    commit();
    ck_assert_uint_eq(read_events().count, 2);
    ck_assert_int_eq(ask("SELECT coalesce(sum(count), 0) FROM loss"), 0);
}

enum { FAST_RINGS = 16, FAST_RECORDS = HAK_EXTENT_BYTES / HAK_RECORD_BYTES, FAST_COMMITS = 40 };

/* Fills a ring. Not by fake_event: an assertion takes longer than the worker for its record. */
static void fill_ring(uint32_t ring) {
    struct hak_ring_entry *r = fake_ring(&program, ring);
    uint64_t head = atomic_load(&r->head), end = atomic_load(&r->tail) + r->capacity;
    struct hak_event_fields f = {.time = fake_ticks(&program),
                                 .kind = HAK_MALLOC,
                                 .address = FAKE_BLOCK + 48 * (uint64_t)ring,
                                 .size = 24,
                                 .epoch = 1,
                                 .class_index = 3,
                                 .place = HAK_PLACE_FRONT};
    for (; head < end; head++) {
        f.record_count = (uint32_t)head;
        *fake_slot(&program, ring, head) = hak_record_pack(&f);
    }
    atomic_store(&r->head, head);
}

/* Fills rings as soon as there is room, until the worker has done more than it was asked for. */
static void *write_without_end(void *stop) {
    while (!atomic_load((atomic_bool *)stop) &&
           *(volatile uint64_t *)&worker.commits < FAST_COMMITS)
        for (uint32_t ring = 0; ring < FAST_RINGS; ring++)
            fill_ring(ring);
    return NULL;
}

TEST(commits_what_there_was_while_programs_write_on) {
    atomic_bool stop = false;
    pthread_t writer;
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    for (uint32_t ring = 0; ring < FAST_RINGS; ring++)
        fake_claim_ring(&program, ring, 0, ring + 1, FAST_RECORDS);
    add(&worker, &program, 1);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_without_end, &stop), 0);
    for (uint32_t ring = 0; ring < FAST_RINGS; ring++)
        while (atomic_load(&fake_ring(&program, ring)->head) < FAST_RECORDS)
            fake_let_pass();
    hak_worker_commit_all(&worker);
    uint64_t commits = worker.commits;
    atomic_store(&stop, true);
    pthread_join(writer, NULL);
    ck_assert_uint_ge(hak_store_last_event(worker.capture.writer), FAST_RINGS * FAST_RECORDS);
    ck_assert_uint_lt(commits, FAST_COMMITS / 4); /* three hold what there was */
}

TEST(takes_another_path_when_the_store_cannot_be_made) {
    snprintf(program.session->store_path, HAK_PATH_BYTES, "/proc/no/such.db");
    setenv("TMPDIR", program.directory, 1);
    add(&worker, &program, 1);
    ck_assert_msg(strncmp(worker.capture.path, program.directory, strlen(program.directory)) == 0,
                  "%s", worker.capture.path);
    ck_assert_ptr_nonnull(strstr(worker.moved_line, "/proc/no/such.db"));
    ck_assert_str_eq(program.session->store_path, worker.capture.path);
}

TEST(does_not_overwrite_a_file) {
    char path[256];
    snprintf(path, sizeof path, "%s/t.db", program.directory);
    FILE *file = fopen(path, "w");
    fputs("mine", file);
    fclose(file);
    add(&worker, &program, 1);
    ck_assert_ptr_nonnull(strstr(worker.capture.path, "/t.2.db"));
    char text[5] = "";
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    fclose(file);
    ck_assert_str_eq(text, "mine");
}

/* ---- hostile memory -------------------------------------------------------------------------- */

/* As random, which takes a lock for each number. */
static uint64_t draw(uint64_t below) {
    static uint64_t state;
    if (!state)
        state = 88172645463325252ull + (uint64_t)random();
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint64_t)((unsigned __int128)state * below >> 64);
}

/* Overwrites one byte of `density`, mostly. */
static void scribble(void *at, size_t bytes, uint64_t density) {
    for (size_t i = 0; i < bytes; i++)
        if (draw(density) == 0)
            ((uint8_t *)at)[i] = (uint8_t)draw(256);
}

TEST(survives_nonsense_in_the_tables, .until = 20) {
    srandom((unsigned)_i);
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    for (uint32_t ring = 0; ring < 8; ring++)
        fake_claim_ring(&program, ring, ring % 3, ring + 1, 1024);
    add(&worker, &program, 1);
    char *memory = (char *)program.session;
    atomic_store(&program.session->rings_high, 64);
    atomic_store(&program.session->processes_high, 64);
    atomic_store(&program.session->node_count, FAKE_NODES + 100);
    for (int round = 0; round < 20; round++) {
        scribble(memory + program.session->ring_offset, 64 * sizeof(struct hak_ring_entry), 16);
        scribble(memory + program.session->process_offset, 64 * sizeof(struct hak_process_entry),
                 16);
        scribble(memory + program.session->node_offset, FAKE_NODES * sizeof(struct hak_node), 4);
        scribble(memory + program.session->extent_offset, 8 * HAK_EXTENT_BYTES / 4, 3);
        for (uint32_t ring = 0; ring < 8; ring++) { /* half of them are read: heads make sense */
            fake_claim_ring(&program, ring, (uint32_t)random() % 3, ring + 1, 1024);
            atomic_store(&fake_ring(&program, ring)->head,
                         worker.clients[0]->rings[ring].position + (uint64_t)random() % 1024);
        }
        for (int i = 0; i < 100 && hak_worker_commit(&worker); i++)
            continue;
        hak_client_look_for_ends(worker.clients[0]);
    }
    /* All that came in can be read. */
    struct events all = read_events();
    ck_assert_uint_eq(all.count, hak_store_last_event(worker.capture.writer));
}

TEST(refuses_headers_that_cannot_be_right, .until = 5) {
    srandom((unsigned)_i);
    struct hak_session good = *program.session;
    uint32_t refused = 0;
    for (int round = 0; round < 200; round++) {
        memcpy(program.session, &good, sizeof good);
        scribble(&program.session->version,
                 offsetof(struct hak_session, store_path) - offsetof(struct hak_session, version),
                 24);
        struct hak_mapping map;
        if (hak_mapping_open(&map, dup(program.memfd))) {
            refused++;
            continue;
        }
        /* A mapping that it takes can be read from end to end. */
        struct hak_ring_view view;
        struct hak_node node;
        for (uint32_t i = 0; i < HAK_RINGS; i += 511)
            hak_mapping_view(&map, i, &view);
        hak_mapping_node(&map, (uint32_t)map.head.node_capacity - 1, &node);
        hak_mapping_close(&map);
    }
    ck_assert_uint_gt(refused, 50);
}

TEST(counts_what_a_full_disk_costs) {
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 256);
    add(&worker, &program, 1);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, fake_push_node(&program, 0, 0x401000, 0, 0));
    commit();
    sqlite3 *database = hak_store_writer_database(worker.capture.writer)->connection;
    int64_t pages = ask("PRAGMA page_count");
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA max_page_count=%lld", (long long)pages);
    ck_assert_int_eq(sqlite3_exec(database, pragma, NULL, NULL, NULL), SQLITE_OK);
    dup2(open("/dev/null", O_WRONLY), 2); /* its one line */
    for (uint32_t i = 0; i < 3000; i++) {
        fake_event(&program, 0, HAK_MALLOC, 2 + i, 1,
                   fake_push_node(&program, 0, 0x500000 + i, 0, 0));
        if (i % 100 == 99) {
            worker.trouble_until_ns = 0;
            commit();
        }
    }
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 0)->tail), 3001); /* the program goes on */
    uint32_t stored = read_events().count;
    ck_assert_uint_lt(stored, 3001);
    ck_assert_int_eq(sqlite3_exec(database, "PRAGMA max_page_count=100000", NULL, NULL, NULL),
                     SQLITE_OK);
    worker.trouble_until_ns = 0;
    fake_event(&program, 0, HAK_FREE, 1, 2, 1);
    commit();
    ck_assert_uint_eq(read_events().count, stored + 1);
    ck_assert_int_eq(ask("SELECT sum(count) FROM loss"), 3001 - stored);
    ck_assert_int_eq(ask("SELECT max(id) - count(*) FROM node"), 0);
}

/* Not the one that its memory names by now. */
TEST(takes_the_log_that_the_keeper_names) {
    snprintf(program.session->log_path, HAK_PATH_BYTES, "/tmp/later.log");
    worker.taken_log_path = "/tmp/first.log";
    add(&worker, &program, 1);
    ck_assert_str_eq(worker.clients[0]->map.head.log_path, "/tmp/first.log");
    ck_assert_str_eq(worker.findings.own_log_path, "/tmp/first.log");
    hak_worker_free(&worker);
}

RUN_TESTS(.set_up = begin_worker, .tear_down = end_worker)
