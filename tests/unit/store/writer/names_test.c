/* Texts, files and symbols that many rows share are stored once, and come back in every row. */
#include "../capture.h"

static struct hak_store_writer *w;

static void start(void) {
    capture_name();
    must(hak_store_create(capture.path, 0, &w));
}

static void stop(void) {
    if (w)
        must(hak_store_finish(w));
    w = NULL;
    capture_clean(capture.path);
}

static int64_t ask(const char *sql) {
    return number_of(hak_store_writer_database(w)->connection, sql);
}

static void put_frame(uint32_t image, uint64_t offset, const char *function, const char *file) {
    must(hak_store_put_frame(
        w, &(struct hak_frame_row){
               .module = image, .offset = offset, .line = 7, .function = function, .file = file}));
}

TEST(texts_are_stored_once) {
    char function[32];
    must(hak_store_begin(w));
    for (uint32_t i = 0; i < 3000; i++) {
        snprintf(function, sizeof function, "function_%u", i % 500);
        put_frame(1, 16 * i, function, i % 2 ? "odd.c" : "even.c");
    }
    put_frame(1, 999999, "", NULL);
    must(hak_store_commit(w));
    ck_assert_int_eq(ask("SELECT count(*) FROM name"), 502);
    ck_assert_int_eq(ask("SELECT count(*) FROM frame WHERE function = 'function_17'"), 6);
    ck_assert_int_eq(ask("SELECT count(*) FROM frame WHERE module = 1 AND offset = 16 * 1017"
                         " AND function = 'function_17' AND file = 'odd.c' AND line = 7"),
                     1);
    ck_assert_int_eq(ask("SELECT count(*) FROM frame WHERE function = '' AND file = ''"), 1);
}

TEST(texts_survive_rollback_and_resumption) {
    must(hak_store_begin(w));
    put_frame(1, 1, "one", "a.c");
    must(hak_store_commit(w));
    must(hak_store_begin(w));
    put_frame(1, 2, "two", "a.c");
    must(hak_store_rollback(w));
    must(hak_store_begin(w));
    put_frame(1, 3, "three", "a.c");
    put_frame(1, 4, "two", "a.c");
    must(hak_store_commit(w));
    must(hak_store_finish(w));
    must(hak_store_resume(capture.path, &w));
    must(hak_store_begin(w));
    put_frame(1, 5, "one", "a.c");
    put_frame(1, 6, "four", "a.c");
    must(hak_store_commit(w));
    ck_assert_int_eq(ask("SELECT count(*) FROM name"), 5);
    ck_assert_int_eq(ask("SELECT count(*) FROM name n, name m WHERE n.text = m.text"), 5);
    ck_assert_int_eq(ask("SELECT count(*) FROM frame WHERE (offset, function) IN"
                         " (VALUES(1, 'one'), (3, 'three'), (4, 'two'), (5, 'one'), (6, 'four'))"),
                     5);
}

/* The same file in two processes at different addresses, and another one. */
TEST(processes_share_the_symbols_of_a_file) {
    struct hak_store_reader *r;
    struct hak_frame frame;
    must(hak_store_begin(w));
    for (uint32_t i = 1; i <= 3; i++) {
        uint64_t bias = 0x100000 * (uint64_t)i;
        must(hak_store_put_process(w, &(struct hak_process_row){.id = i, .session = i}));
        must(hak_store_put_module(w, &(struct hak_module_row){.id = i,
                                                              .process = i,
                                                              .start = bias,
                                                              .end = bias + 0x10000,
                                                              .load_bias = bias,
                                                              .path = i < 3 ? "/bin/a" : "/bin/b",
                                                              .build_id = i < 3 ? "aa" : "bb",
                                                              .image = i < 3 ? 1 : 3}));
        must(hak_store_put_node(w,
                                &(struct hak_node_row){.id = i, .process = i, .ip = bias + 0x500}));
    }
    put_frame(1, 0x500, "main", "a.c");
    put_frame(3, 0x500, "other", "b.c");
    must(hak_store_commit(w));
    ck_assert_int_eq(ask("SELECT count(*) FROM image"), 2);
    ck_assert_int_eq(ask("SELECT count(*) FROM module WHERE path = '/bin/a' AND build_id = 'aa'"),
                     2);
    ck_assert_int_eq(ask("SELECT count(*) FROM node_frame WHERE function = 'main' AND"
                         " file = 'a.c' AND module = '/bin/a' AND module_offset = '0x500'"),
                     2);
    ck_assert_int_eq(ask("SELECT node FROM node_frame WHERE function = 'other'"), 3);
    must(hak_store_finish(w));
    w = NULL;
    must(hak_store_open(capture.path, &r));
    for (uint32_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(hak_store_frames(r, i, &frame, 1), 1);
        ck_assert_str_eq(frame.function, i < 3 ? "main" : "other");
        ck_assert_str_eq(frame.module, i < 3 ? "/bin/a" : "/bin/b");
    }
    hak_store_close(r);
}

RUN_TESTS(.set_up = start, .tear_down = stop)
