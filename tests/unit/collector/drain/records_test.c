/* Handles each kind of record: events, rows of threads, modules, marks and losses, reports; and
 * records that cannot be. */
#include <sqlite3.h>
#include <sys/wait.h>
#include "collector/findings/fault.h"
#include "../fake_worker.h"
#include "../../suite.h"
#include "store/reader/reader.h"

static void set_up(void) {
    begin_worker();
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 512);
    add_program(1);
}

static void is_text(const char *sql, const char *due) {
    sqlite3_stmt *row = query(sql);
    ck_assert_msg(sqlite3_step(row) == SQLITE_ROW, "no row: %s", sql);
    ck_assert_str_eq((const char *)sqlite3_column_text(row, 0), due);
    sqlite3_finalize(row);
}

static struct hak_event read_event(uint64_t id) {
    struct hak_store_reader *reader;
    struct hak_event event;
    ck_assert_int_eq(
        hak_store_attach(hak_store_writer_database(worker.capture.writer)->connection, &reader), 0);
    ck_assert_int_eq(hak_store_event(reader, id, &event), 1);
    hak_store_close(reader);
    return event;
}

TEST(keeps_values_that_do_not_fit_a_record) {
    fake_put(&program, 0,
             (struct hak_event_fields){.kind = HAK_REALLOC,
                                       .address = 0x7f0000001230,
                                       .size = (uint64_t)5 << 32 | 7,
                                       .old_address = 0x7f0000004560,
                                       .delta_bytes = 0x40000,
                                       .record_count = 0xffffffff,
                                       .epoch = 0x12345678,
                                       .class_index = HAK_CLASS_NONE,
                                       .place = HAK_PLACE_LARGE,
                                       .subkind = 3,
                                       .flags = HAK_RECORD_PARTIAL});
    commit();
    struct hak_event e = read_event(1);
    ck_assert_uint_eq(e.address, 0x7f0000001230);
    ck_assert_uint_eq(e.base, 0x7f0000001230 - 0x40000);
    ck_assert_uint_eq(e.size, (uint64_t)5 << 32 | 7);
    ck_assert_uint_eq(e.old_address, 0x7f0000004560);
    ck_assert_uint_eq(e.generation, (uint64_t)0x12345678 << 32 | 0xffffffff);
    ck_assert_uint_eq(e.class_index, HAK_CLASS_NONE);
    ck_assert_uint_eq(e.place, HAK_PLACE_LARGE);
    ck_assert_uint_eq(e.subkind, 3);
    ck_assert_uint_eq(e.flags, HAK_RECORD_PARTIAL);
    ck_assert_uint_eq(hak_store_last_event(worker.capture.writer),
                      1); /* the continuation is no event */
}

TEST(keeps_the_base_of_a_misaligned_pointer) {
    fake_put(
        &program, 0,
        (struct hak_event_fields){.kind = HAK_FREE, .address = 0x7f0000001233, .delta_bytes = 16});
    commit();
    ck_assert_uint_eq(read_event(1).base, 0x7f0000001220);
    ck_assert_uint_eq(read_event(1).address, 0x7f0000001233);
}

TEST(tells_threads_modules_and_marks) {
    fake_start_thread(&program, 0, "main");
    fake_load_module(&program, 0, "/usr/lib/one.so", 0x10000, 0x20000, 0);
    fake_load_module(&program, 0, "/usr/lib/one.so", 0x10000, 0x20000, 0); /* told twice */
    fake_put_bytes(&program, 0, HAK_MARK, "half way", 8);
    fake_put(&program, 0,
             (struct hak_event_fields){.kind = HAK_MODULE_UNLOAD, .address = 0x10000, .size = 1});
    fake_load_module(&program, 0, "/usr/lib/two.so", 0x10000, 0x20000, 1);
    commit();
    is_text("SELECT name FROM thread", "main");
    is_text("SELECT name FROM mark", "half way");
    ck_assert_int_eq(ask("SELECT event FROM mark"), 4);
    ck_assert_int_eq(ask("SELECT count(*) FROM module"), 2);
    is_text("SELECT path FROM module WHERE load_event = 2 AND unload_event = 5", "/usr/lib/one.so");
    is_text("SELECT path FROM module WHERE load_event = 6 AND unload_event = 0 AND generation = 1",
            "/usr/lib/two.so");
    ck_assert_uint_eq(hak_store_last_event(worker.capture.writer), 6);
    fake_put_bytes(&program, 0, HAK_THREAD_END, "\0\0\0\0\1\0\0\0last name\0\0\0\0\0\0\0", 24);
    commit();
    ck_assert_int_eq(ask("SELECT end_ns > start_ns FROM thread"), 1);
}

/* A thread that got another ring, or whose collector died, may start twice. */
TEST(keeps_where_a_thread_was_created_first) {
    uint32_t stack = fake_push_node(&program, 0, 0x401000, 0, 0);
    fake_start_created(&program, 0, "worker", 7, stack);
    fake_start_created(&program, 0, "worker", 0, 0);
    fake_start_created(&program, 0, "renamed", 9, fake_push_node(&program, 0, 0x402000, 0, 0));
    commit();
    ck_assert_int_eq(ask("SELECT creator FROM thread"), 7);
    ck_assert_int_eq(ask("SELECT stack FROM thread"), 1);
    is_text("SELECT name FROM thread", "renamed");
}

/* A report asks for the thread of a number, and a program may have tens of thousands. */
TEST(finds_threads_by_number_without_a_look_at_all) {
    sqlite3_stmt *row = query("EXPLAIN QUERY PLAN SELECT id FROM thread"
                              " WHERE process = 1 AND number = 2");
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    ck_assert_ptr_nonnull(strstr((const char *)sqlite3_column_text(row, 3),
                                 "INDEX thread_by_number (process=? AND "));
    sqlite3_finalize(row);
}

TEST(counts_what_programs_say_they_lost) {
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    uint64_t from = fake_ticks(&program);
    usleep(2000);
    fake_put(&program, 0,
             (struct hak_event_fields){.kind = HAK_LOSS,
                                       .size = 300,
                                       .address = from,
                                       .old_address = fake_ticks(&program),
                                       .class_index = HAK_CLASS_NONE});
    atomic_store(&fake_ring(&program, 0)->lost, 340); /* 40 more were lost behind it */
    atomic_store(&fake_ring(&program, 0)->state, HAK_RING_CLOSED);
    commit();
    commit();
    ck_assert_int_eq(ask("SELECT sum(count) FROM loss"), 340);
    ck_assert_int_eq(ask("SELECT count FROM loss WHERE reason = 'ring full' AND thread = 1 AND"
                         " to_ns - from_ns BETWEEN 1000000 AND 1000000000 LIMIT 1") > 0,
                     1);
    ck_assert_int_eq(ask("SELECT lost FROM process"), 340);
}

/* The next record is of another thread than the ring. */
static void put_switch(uint32_t thread) {
    fake_put(&program, 0,
             (struct hak_event_fields){.kind = HAK_THREAD_SWITCH,
                                       .address = 2000 + thread,
                                       .size = thread,
                                       .class_index = HAK_CLASS_NONE});
}

TEST(knows_the_threads_that_share_a_ring) {
    put_switch(7);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    put_switch(9);
    fake_put(&program, 0,
             (struct hak_event_fields){
                 .kind = HAK_REALLOC, .address = 0x7f0000001000, .size = 1ull << 40});
    commit();
    fake_event(&program, 0, HAK_MALLOC, 2, 1, 0); /* whose ring it is */
    put_switch(7);
    fake_start_thread(&program, 0, "seven");
    put_switch(9);
    fake_put(&program, 0, (struct hak_event_fields){.kind = HAK_LOSS, .size = 5, .address = 1});
    commit();
    static const uint32_t number[] = {7, 9, 1, 7, 9};
    ck_assert_uint_eq(hak_store_last_event(worker.capture.writer), 5); /* switches are no events */
    for (uint64_t id = 1; id <= 5; id++) {
        char sql[100];
        snprintf(sql, sizeof sql, "SELECT number FROM thread WHERE id = %u", read_event(id).thread);
        ck_assert_int_eq(ask(sql), number[id - 1]);
    }
    ck_assert_uint_eq(read_event(2).size, 1ull << 40);
    ck_assert_int_eq(ask("SELECT tid FROM thread WHERE number = 9"), 2009);
    is_text("SELECT name FROM thread WHERE number = 7", "seven");
    ck_assert_int_eq(ask("SELECT number FROM thread JOIN loss ON loss.thread = thread.id"), 9);
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 0)->tail),
                      atomic_load(&fake_ring(&program, 0)->head));
}

TEST(counts_switches_that_lead_nowhere) {
    put_switch(7);
    put_switch(8);
    put_switch(9);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    put_switch(10); /* and nothing behind it */
    commit();
    ck_assert_uint_eq(hak_store_last_event(worker.capture.writer), 1);
    ck_assert_int_eq(ask("SELECT sum(count) FROM loss WHERE reason = 'broken record'"), 2);
}

TEST(counts_records_that_cannot_be) {
    fake_put(&program, 0, (struct hak_event_fields){.kind = 0, .address = 1});
    fake_put(&program, 0, (struct hak_event_fields){.kind = 50, .address = 1});
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0xfffffff0); /* a stack that there is not */
    fake_put(&program, 0, (struct hak_event_fields){.kind = 200, .address = 1});
    /* Halves of records whose other half became a LOSS are left out without a count. */
    fake_put(&program, 0, (struct hak_event_fields){.kind = HAK_CONTINUATION});
    fake_put(&program, 0, (struct hak_event_fields){.kind = HAK_FREE, .flags = HAK_RECORD_WIDE});
    fake_event(&program, 0, HAK_FREE, 1, 2, 0);
    commit();
    ck_assert_uint_eq(hak_store_last_event(worker.capture.writer), 2);
    ck_assert_uint_eq(read_event(1).stack, 0);
    ck_assert_int_eq(ask("SELECT sum(count) FROM loss WHERE reason = 'broken record'"), 3);
}

/* A batch of `count` moves; the first `follow` continuations are there. */
static void put_moves(uint32_t count, uint32_t follow) {
    struct hak_ring_entry *r = fake_ring(&program, 0);
    uint64_t head = atomic_load(&r->head), time = fake_ticks(&program);
    struct hak_record first = hak_record_pack(&(struct hak_event_fields){.time = time,
                                                                         .kind = HAK_FRONT_REFILL,
                                                                         .address = FAKE_BLOCK,
                                                                         .size = count,
                                                                         .record_count = 100,
                                                                         .epoch = 3,
                                                                         .class_index = 3,
                                                                         .place = HAK_PLACE_FRONT,
                                                                         .flags = HAK_RECORD_WIDE});
    *fake_slot(&program, 0, head) = first;
    for (uint32_t i = 0; i < follow; i++) {
        struct hak_record *more = fake_slot(&program, 0, head + 1 + i);
        *more = (struct hak_record){{time | (uint64_t)HAK_CONTINUATION << 48 |
                                     (uint64_t)(hak_batch_continuations(count) - 1 - i) << 56}};
        for (uint32_t k = 0; k < HAK_BATCH_PER_RECORD && 1 + 3 * i + k < count; k++)
            more->w[1 + k] = hak_batch_word(FAKE_BLOCK + 48 * (1 + 3 * i + k), 101 + 3 * i + k);
    }
    atomic_store(&r->head, head + 1 + follow);
}

TEST(makes_an_event_of_each_block_of_a_batch) {
    put_moves(8, hak_batch_continuations(8));
    put_switch(7);
    put_moves(4, 1);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    commit();
    ck_assert_uint_eq(hak_store_last_event(worker.capture.writer), 13);
    for (uint64_t id = 1; id <= 12; id++) {
        struct hak_event e = read_event(id);
        uint64_t number = id <= 8 ? id - 1 : id - 9;
        ck_assert_uint_eq(e.kind, HAK_FRONT_REFILL);
        ck_assert_uint_eq(e.address, FAKE_BLOCK + 48 * number);
        ck_assert_uint_eq(e.base, e.address);
        ck_assert_uint_eq(e.generation, (uint64_t)3 << 32 | (100 + number));
        ck_assert_uint_eq(e.size, 0);
        ck_assert_uint_eq(e.place, HAK_PLACE_FRONT);
        ck_assert_uint_eq(e.flags, 0);
        ck_assert_uint_eq(e.thread == read_event(1).thread, id <= 8);
    }
    ck_assert_uint_eq(read_event(13).kind, HAK_MALLOC);
    ck_assert_int_eq(ask("SELECT count(*) FROM loss"), 0);
}

TEST(counts_a_batch_that_cannot_be) {
    put_moves(8, 2); /* a continuation is not there */
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    put_moves(65, hak_batch_continuations(65));
    fake_event(&program, 0, HAK_FREE, 1, 2, 0);
    commit();
    ck_assert_uint_eq(hak_store_last_event(worker.capture.writer), 2);
    ck_assert_int_eq(ask("SELECT sum(count) FROM loss WHERE reason = 'broken record'"), 2);
}

TEST(refuses_modules_that_cannot_be) {
    struct {
        uint64_t load_bias, start, end;
        uint32_t generation;
        uint16_t id_bytes, path_bytes;
        char rest[40];
    } told = {0, 0x1000, 0x2000, 0, 4, 0xfff0, "idid/path"};
    fake_put_bytes(&program, 0, HAK_MODULE_LOAD, &told, sizeof told);
    told.path_bytes = 5;
    told.id_bytes = 0xffff;
    fake_put_bytes(&program, 0, HAK_MODULE_LOAD, &told, sizeof told);
    told.id_bytes = 4;
    told.end = 0x1000;
    fake_put_bytes(&program, 0, HAK_MODULE_LOAD, &told, sizeof told);
    fake_put_bytes(&program, 0, HAK_MODULE_LOAD, &told, 20);
    fake_put_bytes(&program, 0, HAK_THREAD_START, &told, 3);
    told.end = 0x2000;
    fake_put_bytes(&program, 0, HAK_MODULE_LOAD, &told, sizeof told);
    commit();
    ck_assert_int_eq(ask("SELECT count(*) FROM module"), 1);
    is_text("SELECT path || ' ' || build_id FROM module", "/path 69646964");
}

/* An ip is read with the modules of its time: the same address in two libraries. */
TEST(resolves_with_the_modules_of_the_time) {
    char command[900], first[160], second[160];
    snprintf(command, sizeof command,
             "cd '%s' && for n in first second; do echo \"int x; __attribute__((noinline)) int "
             "work_$n(int a) { return a + x; }\" > $n.c && gcc -g -O0 -shared -fPIC -o $n.so $n.c "
             "|| exit 1; done",
             program.directory);
    ck_assert_int_eq(system(command), 0);
    snprintf(first, sizeof first, "%s/first.so", program.directory);
    snprintf(second, sizeof second, "%s/second.so", program.directory);
    snprintf(command, sizeof command, "nm '%s' | grep work_first", first);
    FILE *names = popen(command, "r");
    unsigned long at = 0;
    ck_assert_int_eq(fscanf(names, "%lx", &at), 1);
    pclose(names);
    fake_load_module(&program, 0, first, 0x7f0000000000, 0x7f0000010000, 0);
    uint32_t early = fake_push_node(&program, 0, 0x7f0000000000 + at + 6, 0, 0);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, early);
    fake_put(
        &program, 0,
        (struct hak_event_fields){.kind = HAK_MODULE_UNLOAD, .address = 0x7f0000000000, .size = 1});
    fake_load_module(&program, 0, second, 0x7f0000000000, 0x7f0000010000, 1);
    uint32_t late = fake_push_node(&program, 0, 0x7f0000000000 + at + 6, 0, 1);
    fake_event(&program, 0, HAK_MALLOC, 2, 1, late);
    commit();
    while (hak_resolve_some(&worker.capture.resolve, &worker.capture.rows, 1000000) !=
           HAK_RESOLVE_DONE)
        usleep(1000);
    commit();
    struct hak_store_reader *reader;
    struct hak_frame frame[4];
    ck_assert_int_eq(
        hak_store_attach(hak_store_writer_database(worker.capture.writer)->connection, &reader), 0);
    ck_assert_int_eq(hak_store_frames(reader, read_event(2).stack, frame, 4), 1);
    ck_assert_str_eq(frame[0].function, "work_first");
    ck_assert_uint_eq(frame[0].line, 1);
    ck_assert_int_eq(hak_store_frames(reader, read_event(5).stack, frame, 4), 1);
    ck_assert_str_eq(frame[0].function, "work_second");
    hak_store_close(reader);
}

/* ---- reports --------------------------------------------------------------------------------- */

static void ask_for_report(uint32_t ring, uint64_t position, uint32_t frames) {
    struct hak_report_request *r = fake_report(&program);
    snprintf(program.session->log_path, HAK_PATH_BYTES, "%s/log", program.directory);
    snprintf(worker.clients[0]->map.head.log_path, HAK_PATH_BYTES, "%s/log", program.directory);
    r->ring = ring;
    r->fault_position = position;
    r->thread = 1;
    r->facts.fault = 202;
    r->facts.kind = HAK_FREE;
    r->facts.found_address = r->facts.user = r->facts.base = FAKE_BLOCK + 48;
    r->facts.class_found = r->facts.class_due = 3;
    r->facts.slot_bytes = 48;
    r->facts.asked_bytes = 24;
    r->frame_count = frames;
    atomic_store(&r->state, HAK_REPORT_READY);
}

static void report_is_printed(uint64_t event) {
    ck_assert(hak_fault_is_wanted(worker.clients[0]));
    hak_worker_report_faults(&worker);
    ck_assert_uint_eq(atomic_load(&fake_report(&program)->state), HAK_REPORT_DONE);
    ck_assert(!hak_fault_is_wanted(worker.clients[0]));
    char path[200], text[20000] = "";
    snprintf(path, sizeof path, "%s/log", program.directory);
    FILE *log = fopen(path, "r");
    ck_assert_ptr_nonnull(log);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, log), 100);
    fclose(log);
    ck_assert_ptr_eq(strstr(text, "hakmem: HKM-202 double-free"), text);
    ck_assert_ptr_nonnull(strstr(text, "\nSUMMARY: hakmem: double-free"));
    ck_assert_int_eq(ask("SELECT code FROM fault"), 202);
    ck_assert_int_eq(ask("SELECT event FROM fault"), (int64_t)event);
    ck_assert_int_eq(ask("SELECT count(*) FROM fault WHERE report LIKE '%HKM-202%' AND "
                         "summary LIKE 'SUMMARY:%' AND json LIKE '{%'"),
                     1);
}

TEST(reports_a_fault_once_it_is_stored) {
    fake_start_thread(&program, 0, "worker");
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    fake_event(&program, 0, HAK_FREE, 1, 2, 0);
    uint64_t position = atomic_load(&fake_ring(&program, 0)->head);
    fake_put(&program, 0,
             (struct hak_event_fields){
                 .kind = HAK_FAULT, .address = FAKE_BLOCK + 48, .size = 202, .class_index = 3});
    ask_for_report(0, position, 0);
    report_is_printed(4);
}

/* The commits between the steps of a report may move the rows of threads, and name them. */
TEST(names_a_thread_whose_row_moved) {
    char path[200], text[20000] = "";
    fake_start_thread(&program, 0, "before");
    uint64_t position = atomic_load(&fake_ring(&program, 0)->head);
    fake_put(&program, 0,
             (struct hak_event_fields){
                 .kind = HAK_FAULT, .address = FAKE_BLOCK + 48, .size = 202, .class_index = 3});
    ask_for_report(0, position, 0);
    struct hak_fault *fault = hak_fault_begin(worker.clients[0]);
    ck_assert_ptr_nonnull(fault);
    while (hak_fault_awaits_event(fault))
        commit();
    hak_fault_prepare(fault, &worker.capture);
    struct hak_rows *rows = &worker.capture.rows;
    const struct hak_thread_info *first = rows->threads;
    for (uint32_t i = 0; rows->threads == first; i++)
        ck_assert_uint_ne(hak_rows_thread(rows, 1, 100 + i, 0, 0), 0);
    ck_assert(hak_rows_name_thread(rows, hak_rows_known_thread(rows, 1, 1), "afterwards"));
    hak_fault_finish(fault, &worker.capture, &worker.findings);
    snprintf(path, sizeof path, "%s/log", program.directory);
    FILE *log = fopen(path, "r");
    ck_assert_ptr_nonnull(log);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, log), 100);
    fclose(log);
    ck_assert_msg(strstr(text, "afterwards") != NULL, "%s", text);
}

TEST(reports_a_fault_in_a_ring_that_threads_share) {
    put_switch(7);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    put_switch(1);
    uint64_t position = atomic_load(&fake_ring(&program, 0)->head);
    fake_put(&program, 0,
             (struct hak_event_fields){
                 .kind = HAK_FAULT, .address = FAKE_BLOCK + 48, .size = 202, .class_index = 3});
    ask_for_report(0, position, 0);
    report_is_printed(2);
}

/* Only the worker that stored it knew which request the record belongs to; the store does not hold
 * it. */
TEST(reports_a_fault_whose_record_another_worker_stored) {
    const struct hak_event_fields fault = {
        .kind = HAK_FAULT, .address = FAKE_BLOCK + 48, .size = 202, .class_index = 3};
    struct hak_event_fields other = fault;
    fake_put(&program, 0, fault);
    uint64_t position = atomic_load(&fake_ring(&program, 0)->head);
    fake_put(&program, 0, fault);
    other.size = 203;
    fake_put(&program, 0, other);
    other = fault;
    other.address++;
    fake_put(&program, 0, other);
    commit();
    worker.clients[0]->last_fault_event = worker.clients[0]->last_fault_position = 0;
    ask_for_report(0, position, 0);
    report_is_printed(2);
}

TEST(reports_even_without_the_record) {
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    ask_for_report(UINT32_MAX, 12345, 3);
    report_is_printed(0);
}

/* A worker that died over a report: the next one writes it. */
TEST(reports_what_another_worker_left_behind) {
    ask_for_report(0, 999999, HAK_REPORT_FRAMES + 1000);
    atomic_store(&fake_report(&program)->state, HAK_REPORT_WRITING);
    report_is_printed(0);
}

TEST(reports_of_nonsense_do_no_harm, .until = 5) {
    srandom((unsigned)_i);
    for (int round = 0; round < 10; round++) {
        uint8_t *bytes = (uint8_t *)fake_report(&program);
        size_t facts = offsetof(struct hak_report_request, stack);
        for (size_t i = 4; i < facts; i++)
            if (random() % 3 == 0)
                bytes[i] = (uint8_t)random();
        snprintf(worker.clients[0]->map.head.log_path, HAK_PATH_BYTES, "%s/log", program.directory);
        atomic_store(&fake_report(&program)->state, HAK_REPORT_READY);
        hak_worker_report_faults(&worker);
        ck_assert_uint_eq(atomic_load(&fake_report(&program)->state), HAK_REPORT_DONE);
    }
}

/* Rings of random bytes: bounded work, and everything read is an event or counted. */
TEST(rings_of_nonsense_do_no_harm, .until = 10) {
    srandom((unsigned)_i);
    uint64_t records = 0;
    for (int round = 0; round < 30; round++) {
        struct hak_ring_entry *ring = fake_ring(&program, 0);
        uint64_t head = atomic_load(&ring->head), more = 1 + (uint64_t)random() % 400;
        for (uint64_t i = 0; i < more; i++) {
            struct hak_record *r = fake_slot(&program, 0, head + i);
            for (int w = 0; w < 4; w++)
                r->w[w] = (uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();
            if (random() % 2) /* half of them of kinds that are */
                r->w[0] = fake_ticks(&program) | (uint64_t)(random() % 128) << 48 |
                          (uint64_t)(random() & 0xff) << 56;
        }
        records += more;
        atomic_store(&ring->head, head + more);
        commit();
    }
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 0)->tail), records);
    ck_assert_uint_le(hak_store_last_event(worker.capture.writer), records);
}

RUN_TESTS(.set_up = set_up, .tear_down = end_worker)
