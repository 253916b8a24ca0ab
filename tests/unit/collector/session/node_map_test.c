/* Stacks of a session that goes round its ring of nodes: each event has its own stack or none, also
 * for the next worker, and each node is stored once. */
#include <sys/wait.h>
#include "../fake_worker.h"
#include "../../suite.h"
#include "store/reader/reader.h"
#include "trace/frame_node.h"
#include "trace/node.h"

enum { BITS = 12, RECORDS = 4096, CALLEES = 700, FIRST_IP = 0x401000, MAIN_IP = 0x400100 };

/* Memory for a page of the map can be refused. */
static bool refuses_pages;
extern void *__libc_calloc(size_t count, size_t each);
void *calloc(size_t count, size_t each) {
    bool is_page = count == HAK_NODE_PAGE_IDS && each == sizeof(uint32_t);
    return refuses_pages && is_page ? NULL : __libc_calloc(count, each);
}

static uint32_t main_node;

/* Adds a node like a program that keeps to the rules: no id without room. */
static uint32_t push(uint32_t parent, uint64_t ip) {
    uint32_t id = program.next_node++;
    ck_assert_uint_lt(id, atomic_load(&program.session->nodes_mapped) + FAKE_NODES);
    ck_assert(hak_node_publish(fake_node(&program, 0), BITS, id, ip, parent, 0));
    atomic_store(&program.session->node_count, id + 1);
    return id;
}

static void set_up(void) {
    begin_worker();
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, RECORDS);
    main_node = push(0, MAIN_IP);
}

/* One event of slot `k`, whose stack is main, then the callee `k` mod CALLEES, then the leaf k.
 * From half a round on the callee's node is made anew each time, as by a program that forgot it. */
static void record(uint32_t k) {
    static uint32_t known[CALLEES];
    uint32_t *callee = &known[k % CALLEES];
    if (*callee == 0 || program.next_node > FAKE_NODES / 2)
        *callee = push(main_node, FIRST_IP + k % CALLEES);
    fake_event(&program, 0, HAK_MALLOC, k, 1, push(*callee, FIRST_IP + 0x100000 + k));
}

static void record_all(uint32_t from, uint32_t to) {
    for (uint32_t k = from; k < to; k++) {
        record(k);
        if (k % 500 == 499)
            commit();
    }
    commit();
}

static int count_right(void *context, const struct hak_event *event) {
    uint32_t *right = context, id = event->stack;
    uint64_t k = (event->address - FAKE_BLOCK) / 48;
    uint64_t due[] = {FIRST_IP + 0x100000 + k, FIRST_IP + k % CALLEES, MAIN_IP};
    if (event->kind != HAK_MALLOC)
        return 0;
    for (int i = 0; i < 3; i++) {
        struct hak_node_row row = {0};
        ck_assert_int_eq(hak_store_get_node(worker.capture.writer, id, &row), 1);
        ck_assert_uint_eq(row.ip, due[i]);
        id = row.parent;
    }
    ck_assert_uint_eq(id, 0);
    ++*right;
    return 0;
}

static void assert_stacks(uint32_t events) {
    struct hak_store_reader *reader;
    struct hak_filter filter = {.class_index = -1};
    uint32_t right = 0;
    ck_assert_int_eq(
        hak_store_attach(hak_store_writer_database(worker.capture.writer)->connection, &reader), 0);
    ck_assert_int_eq(hak_store_scan(reader, &filter, false, count_right, &right), 0);
    hak_store_close(reader);
    ck_assert_uint_eq(right, events);
}

/* And each node is there once. */
static void assert_right(uint32_t events) {
    assert_stacks(events);
    ck_assert_int_eq(ask("SELECT count(*) FROM node"), 1 + CALLEES + (int64_t)events);
    ck_assert_int_eq(ask("SELECT sum(no_stack) FROM process"), 0);
}

TEST(goes_round_the_ring) {
    add_program(1);
    record_all(0, 8000);
    ck_assert_uint_gt(program.next_node, 3 * FAKE_NODES);
    ck_assert_uint_gt(atomic_load(&program.session->nodes_mapped), 2 * FAKE_NODES);
    assert_right(8000);
}

static uint64_t ip_of_last_stack(void) {
    struct hak_store_reader *reader;
    struct hak_event event;
    struct hak_node_row row = {0};
    uint64_t last = hak_store_last_event(worker.capture.writer);
    ck_assert_int_eq(
        hak_store_attach(hak_store_writer_database(worker.capture.writer)->connection, &reader), 0);
    ck_assert_int_eq(hak_store_event(reader, last, &event), 1);
    hak_store_close(reader);
    return hak_store_get_node(worker.capture.writer, event.stack, &row) == 1 ? row.ip : 0;
}

/* However many ids a program uses, the map takes the memory of some pages. */
TEST(pages_are_given_back_and_read_again) {
    add_program(1);
    struct hak_node_map *map = &worker.clients[0]->nodes;
    map->kept_max = 1;
    record_all(0, 24000);
    ck_assert_uint_gt(program.next_node, 5 * HAK_NODE_PAGE_IDS);
    ck_assert_uint_le(map->kept_count, 3); /* one, the root's, and one that is not full yet */
    assert_right(24000);
    fake_event(&program, 0, HAK_FREE, 1, 2, main_node);
    commit();
    ck_assert_uint_eq(ip_of_last_stack(), MAIN_IP);
    ck_assert_int_eq(ask("SELECT sum(no_stack) FROM process"), 0);
    ck_assert_uint_le(map->kept_count, 3);
}

/* Nodes in use are recognised by their values; those that were not met for long get a second row,
 * so that the worker need not remember all that there ever were. */
TEST(memory_for_known_nodes_is_bounded) {
    enum { MAX = 2000, EVENTS = 8000 };
    add_program(1);
    worker.capture.rows.index_max = MAX;
    record_all(0, EVENTS);
    ck_assert_uint_le(worker.capture.rows.new_nodes.count, MAX);
    ck_assert_uint_le(worker.capture.rows.old_nodes.count, MAX);
    assert_stacks(EVENTS);
    int64_t nodes = ask("SELECT count(*) FROM node"), due = 1 + CALLEES + EVENTS;
    ck_assert_int_gt(nodes, due);
    ck_assert_int_le(nodes, due + due / MAX * (1 + CALLEES) * 2);
    ck_assert_int_eq(ask("SELECT sum(no_stack) FROM process"), 0);
}

/* Nodes for which there is no memory wait; the program writes over none of them meanwhile. An event
 * that names one is without a stack, which is counted. */
TEST(nodes_without_memory_wait_and_are_counted) {
    add_program(1);
    record_all(0, 4000);
    uint32_t page_end = HAK_NODE_PAGE_IDS;
    ck_assert_uint_lt(program.next_node, page_end);
    while (program.next_node < page_end)
        push(main_node, FIRST_IP);
    commit();
    refuses_pages = true;
    uint32_t late = push(main_node, FIRST_IP + 0x333);
    fake_event(&program, 0, HAK_MALLOC, 4000, 1, late);
    commit();
    ck_assert_uint_eq(atomic_load(&program.session->nodes_mapped), page_end);
    hak_client_copy_counters(worker.clients[0], &worker.capture.rows);
    commit();
    ck_assert_int_eq(ask("SELECT sum(no_stack) FROM process"), 1);
    refuses_pages = false;
    commit();
    ck_assert_uint_gt(atomic_load(&program.session->nodes_mapped), late);
    while (program.next_node < late + FAKE_NODES + 1) {
        push(main_node, FIRST_IP);
        if (program.next_node % 1000 == 0)
            commit();
    }
    fake_event(&program, 0, HAK_FREE, 1, 2, late);
    commit();
    ck_assert_uint_eq(ip_of_last_stack(), FIRST_IP + 0x333);
}

static void resume(void) {
    worker.config.resume_store = 1;
    snprintf(worker.config.store_path, sizeof worker.config.store_path, "%s/t.db",
             program.directory);
}

/* Runs `work` in a worker that is killed. */
static void in_a_worker_that_dies(void (*work)(void)) {
    pid_t child = fork();
    if (child == 0) {
        work();
        kill(getpid(), SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    program.next_node = atomic_load(&program.session->node_count);
}

static void store_first(void) {
    add_program(1);
    record_all(0, 5000);
}

static void store_second(void) {
    resume();
    add_program(1);
    record_all(5000, 7000);
}

/* Nodes that were written over long ago are parents of new ones, and stacks of old blocks. */
TEST(the_next_worker_knows_what_was_written_over) {
    in_a_worker_that_dies(store_first);
    in_a_worker_that_dies(store_second);
    resume();
    add_program(1);
    record_all(7000, 9000);
    assert_right(9000);
    fake_event(&program, 0, HAK_FREE, 1, 2, main_node);
    commit();
    ck_assert_int_eq(ask("SELECT sum(no_stack) FROM process"), 0);
}

/* The same in a copy of the session, made by a program whose keeper died, too. */
TEST(a_copy_of_the_session_knows_it) {
    in_a_worker_that_dies(store_first);
    program.session->previous_id = program.session->session_id;
    program.session->session_id += 1000;
    program.session->resume_store = 1;
    in_a_worker_that_dies(store_second);
    program.session->previous_id = program.session->session_id;
    program.session->session_id += 1000;
    resume();
    add_program(2);
    record_all(7000, 9000);
    assert_right(9000);
}

/* An id is taken, and its thread stopped, before its node is written: it is waited for; then the
 * thread may write it no more. */
TEST(an_id_that_is_never_written_is_given_up) {
    add_program(1);
    record_all(0, 1500);
    uint32_t hole = program.next_node++;
    record_all(1500, 1600);
    ck_assert_uint_eq(atomic_load(&program.session->nodes_mapped), hole);
    usleep(250000);
    commit();
    ck_assert_uint_eq(atomic_load(&program.session->nodes_mapped), program.next_node);
    ck_assert(!hak_node_publish(fake_node(&program, 0), BITS, hole, 0x666000, main_node, 0));
    record_all(1600, 2000);
    assert_right(2000);
}

/* Room is what the program is to keep to; here it does not. Events whose node is gone, or whose
 * node's caller is, get no stack, and never what lies in that place now. */
TEST(what_is_gone_is_no_stack_and_counted) {
    add_program(1);
    commit();
    struct hak_node *nodes = fake_node(&program, 0);
    uint32_t old = program.next_node, count = old + FAKE_NODES + 10;
    for (uint32_t id = old; id < count; id++)
        ck_assert(hak_node_publish(nodes, BITS, id, FIRST_IP + id, id - 1, 0));
    atomic_store(&program.session->node_count, count);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, old);
    fake_event(&program, 0, HAK_MALLOC, 2, 1, old + 20); /* its outer frames are gone */
    commit();
    struct hak_store_reader *reader;
    ck_assert_int_eq(
        hak_store_attach(hak_store_writer_database(worker.capture.writer)->connection, &reader), 0);
    for (uint64_t id = 1; id <= 2; id++) {
        struct hak_event event;
        ck_assert_int_eq(hak_store_event(reader, id, &event), 1);
        ck_assert_uint_eq(event.stack, 0);
    }
    hak_store_close(reader);
    hak_client_copy_counters(worker.clients[0], &worker.capture.rows);
    commit();
    ck_assert_int_eq(ask("SELECT no_stack FROM process"), 2);
}

/* A worker that dies between its commit and telling the program leaves that to the next one. */
TEST(the_next_worker_tells_the_program_what_is_stored) {
    in_a_worker_that_dies(store_first);
    uint32_t mapped = atomic_load(&program.session->nodes_mapped);
    ck_assert_uint_gt(mapped, FAKE_NODES);
    atomic_store(&program.session->nodes_mapped, mapped - FAKE_NODES / 2);
    resume();
    add_program(1);
    commit();
    ck_assert_uint_eq(atomic_load(&program.session->nodes_mapped), mapped);
}

/* Children of a fork share their parent's nodes, and have ids that differ in few bits, as the
 * places in a function do. */
TEST(processes_and_places_that_differ_alike_are_other_nodes) {
    add_program(1);
    record_all(0, 10);
    struct hak_rows *rows = &worker.capture.rows;
    for (uint32_t bits = 1; bits < 64; bits++)
        ck_assert_uint_ne(hak_rows_find_node(rows, 1, 2, 1, FIRST_IP),
                          hak_rows_find_node(rows, 1, 2 ^ bits, 1, FIRST_IP ^ bits));
}

/* Few nodes are not taken before a record names them. */
TEST(few_nodes_are_taken_when_they_are_named) {
    add_program(1);
    for (uint32_t i = 0; i < 100; i++)
        push(main_node, FIRST_IP + i);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 5);
    commit();
    ck_assert_int_eq(ask("SELECT count(*) FROM node"), 2);
    ck_assert_uint_eq(atomic_load(&program.session->nodes_mapped), 1);
    ck_assert_int_eq(ask("SELECT count(*) FROM node_map"), 0);
}

static uint32_t push_text(uint32_t parent, enum hak_frame_node kind, const char *text) {
    uint64_t value = (uint64_t)strlen(text) << HAK_FRAME_TEXT_SHIFT;
    for (int i = 0; text[i]; i++)
        value |= (uint64_t)(uint8_t)text[i] << 8 * i;
    return push(parent, hak_frame_node_ip(kind, value));
}

static uint64_t frame_of(uint32_t line) {
    return hak_frame_node_ip(HAK_FRAME_NODE_FRAME, line);
}

/* A frame of an interpreter names its line node: by id in the session, by row in the store. */
TEST(frames_of_an_interpreter_have_rows_and_names) {
    add_program(1);
    record_all(0, 4000); /* ids and rows are not the same */
    uint32_t text = push_text(0, HAK_FRAME_NODE_FILE, "/a/b.");
    text = push_text(text, HAK_FRAME_NODE_FILE, "py");
    text = push_text(text, HAK_FRAME_NODE_NAME, "parse");
    text = push_text(text, HAK_FRAME_NODE_NAME, "_it");
    uint32_t line = push(text, hak_frame_node_ip(HAK_FRAME_NODE_LINE, 12));
    uint32_t frame = push(main_node, frame_of(line));
    fake_event(&program, 0, HAK_MALLOC, 4000, 1, push(frame, FIRST_IP));
    commit();
    struct hak_node_row row = {0};
    uint64_t found = 0;
    for (int tries = 0; !found && tries < 1000; tries++) {
        hak_resolve_some(&worker.capture.resolve, &worker.capture.rows, 1000000000);
        hak_capture_store_frames(&worker.capture);
        found = (uint64_t)ask(
            "SELECT ifnull(max(offset), 0) FROM frame WHERE module = 0 AND line = 12");
    }
    ck_assert_int_eq(hak_frame_node_kind(found), HAK_FRAME_NODE_FRAME);
    ck_assert_int_eq(hak_store_get_node(worker.capture.writer, hak_frame_node_number(found), &row),
                     1);
    ck_assert_uint_eq(row.ip, hak_frame_node_ip(HAK_FRAME_NODE_LINE, 12));
    ck_assert_int_eq(
        ask("SELECT count(*) FROM frame WHERE function = 'parse_it' AND file = '/a/b.py'"), 1);
}

/* The memory is the program's: such a node may name anything. */
TEST(frames_that_name_no_line_are_kept_without) {
    add_program(1);
    uint32_t next = program.next_node, damaged[] = {0, next + 1, next + 7, 123456, UINT32_MAX};
    uint32_t loop = push(main_node, frame_of(next)); /* itself */
    fake_event(&program, 0, HAK_MALLOC, 0, 1, loop);
    for (uint32_t i = 0; i < sizeof damaged / sizeof *damaged; i++)
        fake_event(&program, 0, HAK_MALLOC, i + 1, 1, push(main_node, frame_of(damaged[i])));
    fake_event(&program, 0, HAK_MALLOC, 7, 1, push(main_node, frame_of(loop)));
    fake_event(&program, 0, HAK_MALLOC, 8, 1, push(main_node, frame_of(main_node)));
    uint32_t lost = push(0, hak_frame_node_ip(HAK_FRAME_NODE_NAME, UINT64_MAX >> 24));
    lost = push(lost, hak_frame_node_ip(HAK_FRAME_NODE_LINE, 0));
    fake_event(&program, 0, HAK_MALLOC, 9, 1, push(main_node, frame_of(lost)));
    commit();
    while (hak_resolve_some(&worker.capture.resolve, &worker.capture.rows, 1000000000) ==
           HAK_RESOLVE_MORE)
        continue;
    hak_capture_store_frames(&worker.capture);
    ck_assert_int_eq(ask("SELECT count(*) FROM frame WHERE function <> ''"), 0);
    ck_assert_int_eq(ask("SELECT sum(no_stack) FROM process"), 0);
}

RUN_TESTS(.set_up = set_up, .tear_down = end_worker)
