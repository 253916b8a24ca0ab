/* The log as tables: what SQL answers, and that constraints are pushed down. */
#include "../capture.h"
#include "../stream.h"
#include "store/sql/sql.h"

static sqlite3 *database;

static void stop(void) {
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK); /* no statement is left over */
    database = NULL;
    capture_end();
}

static void open_tables(void) {
    if (capture.w)
        capture_finish();
    ck_assert_int_eq(sqlite3_open_v2(capture.path, &database, SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    must(hak_store_add_tables(database));
}

/* All rows of a query as text, columns by '|', rows by ';'. */
static const char *ask(const char *sql) {
    static char out[20000];
    sqlite3_stmt *s;
    size_t at = 0;
    out[0] = 0;
    ck_assert_msg(sqlite3_prepare_v2(database, sql, -1, &s, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(database));
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        if (at)
            at += (size_t)snprintf(out + at, sizeof out - at, ";");
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            const char *text = (const char *)sqlite3_column_text(s, i);
            at += (size_t)snprintf(out + at, sizeof out - at, "%s%s", i ? "|" : "",
                                   text ? text : "-");
        }
    }
    ck_assert_msg(result == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg(database));
    sqlite3_finalize(s);
    return out;
}

static void small_capture(void) {
    block_malloc(5, 10, 1);
    block_resize(5, 11, 1);
    block_free(5, 12, 2);
    capture_cut();
    block_malloc(6, 13, 2);
    block_malloc(5, 14, 2);
    open_tables();
}

TEST(events_read_as_rows) {
    small_capture();
    ck_assert_str_eq(
        ask("SELECT id, ns, tid, kind, layer, class, size, slot, stack, process, thread,"
            " function FROM event WHERE id BETWEEN 2 AND 4"),
        "2|2000|4711|MALLOC|front|C3|24|48|10|1|1|function_10;"
        "3|3000|4711|REALLOC|program|C3|30|48|11|1|1|function_11;"
        "4|4000|4712|FREE|front|C3|24|48|12|1|2|function_12");
    ck_assert_str_eq(ask("SELECT user - base, addr - base, generation FROM event WHERE id = 2"),
                     "16|16|4294967298");
    ck_assert_str_eq(ask("SELECT user, addr - base FROM event WHERE id = 1"), "-|0");
    ck_assert_str_eq(ask("SELECT count(*) FROM event"), "7");
}

TEST(constraints_find_the_same_as_a_scan) {
    small_capture();
    char sql[300];
    snprintf(sql, sizeof sql, "SELECT id FROM event WHERE addr = %llu",
             (unsigned long long)BLOCK(5) + 16);
    ck_assert_str_eq(ask(sql), "2;3;4;7");
    snprintf(sql, sizeof sql, "SELECT id, addr - base FROM event WHERE addr = %llu",
             (unsigned long long)BLOCK(5));
    ck_assert_str_eq(ask(sql), "1|0;2|0;3|0;4|0;7|0");
    snprintf(sql, sizeof sql, "SELECT id FROM event WHERE base = %llu AND kind = 'MALLOC'",
             (unsigned long long)BLOCK(5));
    ck_assert_str_eq(ask(sql), "2;7");
    snprintf(sql, sizeof sql, "SELECT id FROM event WHERE user = %llu",
             (unsigned long long)BLOCK(6) + 16);
    ck_assert_str_eq(ask(sql), "6");
    snprintf(sql, sizeof sql, "SELECT id FROM event WHERE user = %llu",
             (unsigned long long)BLOCK(6));
    ck_assert_str_eq(ask(sql), "");
    ck_assert_str_eq(ask("SELECT id FROM event WHERE tid = 4712"), "4;5;6;7");
    ck_assert_str_eq(ask("SELECT id FROM event WHERE tid = 1"), "");
    ck_assert_str_eq(ask("SELECT id FROM event WHERE stack IN (10, 13)"), "2;6");
    ck_assert_str_eq(ask("SELECT id FROM event WHERE ns > 2000 AND ns <= 4000.5"), "3;4");
    ck_assert_str_eq(ask("SELECT id FROM event WHERE id > 5 ORDER BY id DESC"), "7;6");
    ck_assert_str_eq(ask("SELECT id FROM event ORDER BY id DESC LIMIT 2"), "7;6");
    ck_assert_str_eq(ask("SELECT id FROM event WHERE id = -1 OR id = 'x' OR id IS NULL"), "");
    ck_assert_str_eq(ask("SELECT count(*) FROM event WHERE id > -5"), "7");
    ck_assert_str_eq(ask("SELECT id FROM event WHERE kind = 'malloc'"), "");
    ck_assert_str_eq(ask("SELECT kind, count(*) FROM event GROUP BY kind ORDER BY kind"),
                     "FREE|1;FRONT_REFILL|2;MALLOC|3;REALLOC|1");
}

TEST(lives_have_both_stacks_sizes_and_times) {
    small_capture();
    char sql[300];
    const char *first = "2|10|24|30|1|4|12|FREE|2000|4711|4712";
    const char columns[] = "id, stack, size, last_size, resizes, end_id, end_stack, end_kind,"
                           " lifetime_ns, tid, end_tid";
    snprintf(sql, sizeof sql, "SELECT %s FROM life ORDER BY id", columns);
    char due[300];
    snprintf(due, sizeof due, "%s;6|13|24|24|0|-|-|-|-|4712|-;7|14|24|24|0|-|-|-|-|4712|-", first);
    ck_assert_str_eq(ask(sql), due);
    snprintf(sql, sizeof sql, "SELECT %s FROM life WHERE stack = 10", columns);
    ck_assert_str_eq(ask(sql), first);
    snprintf(sql, sizeof sql, "SELECT %s FROM life WHERE end_stack = 12", columns);
    ck_assert_str_eq(ask(sql), first);
    snprintf(sql, sizeof sql, "SELECT %s FROM life WHERE id = 2", columns);
    ck_assert_str_eq(ask(sql), first);
    snprintf(sql, sizeof sql, "SELECT id FROM life WHERE addr = %llu",
             (unsigned long long)BLOCK(5) + 16);
    ck_assert_str_eq(ask(sql), "2;7");
    snprintf(sql, sizeof sql, "SELECT id FROM life WHERE base = %llu",
             (unsigned long long)BLOCK(6));
    ck_assert_str_eq(ask(sql), "6");
    ck_assert_str_eq(ask("SELECT count(*) FROM life WHERE end_id IS NULL"), "2");
}

TEST(blocks_are_found_by_base_and_by_pointer) {
    small_capture();
    char sql[300];
    ck_assert_str_eq(ask("SELECT class, slot, mallocs, frees, events, first_id, last_id, max_size"
                         " FROM block ORDER BY base"),
                     "C3|48|2|1|5|1|7|30;C3|48|1|0|2|5|6|24");
    snprintf(sql, sizeof sql, "SELECT mallocs FROM block WHERE addr = %llu",
             (unsigned long long)BLOCK(5) + 47);
    ck_assert_str_eq(ask(sql), "2");
    snprintf(sql, sizeof sql, "SELECT mallocs FROM block WHERE base = %llu",
             (unsigned long long)BLOCK(6));
    ck_assert_str_eq(ask(sql), "1");
    ck_assert_str_eq(ask("SELECT count(*) FROM block WHERE addr = 16"), "0");
}

TEST(tables_join_each_other) {
    small_capture();
    ck_assert_str_eq(
        ask("SELECT l.id, e.kind, f.function FROM life l JOIN event e ON e.id = l.end_id"
            " JOIN stack_frame f ON f.stack = l.stack"),
        "2|FREE|function_10");
    ck_assert_str_eq(ask("SELECT name, count(*) FROM event e JOIN thread t ON t.id = e.thread"
                         " GROUP BY name"),
                     "t|7");
}

TEST(frames_of_one_stack_need_no_other_stack) {
    static const char asked[] = "SELECT depth, function FROM stack_frame WHERE stack = 101"
                                " ORDER BY depth";
    for (uint32_t i = 100; i <= 101; i++)
        must(hak_store_put_node(capture.w, &(struct hak_node_row){.id = i,
                                                                  .parent = i == 100 ? 10 : 100,
                                                                  .process = 1,
                                                                  .ip = 0x400000 + 16 * (i - 90)}));
    block_malloc(5, 101, 1);
    open_tables();
    ck_assert_str_eq(ask(asked), "0|function_11;1|function_10;2|function_10");
    ck_assert_str_eq(ask("SELECT count(*) FROM stack_frame WHERE stack IN (0, -1, 102, 'x', 1e19)"),
                     "0");
    ck_assert_str_eq(ask("SELECT depth FROM stack_frame WHERE stack = 101 AND stack = 100"), "");
    ck_assert_str_eq(ask("SELECT count(*), (SELECT count(*) FROM main.stack_frame),"
                         " (SELECT count(*) FROM (SELECT * FROM main.stack_frame EXCEPT"
                         " SELECT * FROM stack_frame)) FROM stack_frame"),
                     "104|104|0");
    static const char joined[] = "SELECT f.function FROM event e JOIN stack_frame f"
                                 " ON f.stack = e.stack WHERE e.id = 1";
    for (int i = 0; i < 2; i++) {
        char explain[300];
        snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", i ? joined : asked);
        const char *plan = ask(explain);
        ck_assert_msg(strstr(plan, "w VIRTUAL TABLE INDEX 0:a=") != NULL, "%s", plan);
    }
}

/* Counts the statements that look for the frames of a node. */
static int count_frame_lookup(unsigned what, void *count, void *statement, void *sql) {
    (void)what, (void)statement;
    *(int *)count += strstr(sql, "FROM frame WHERE") != NULL;
    return 0;
}

TEST(functions_are_looked_up_once_for_each_stack) {
    for (uint32_t i = 100; i <= 102; i++) /* of unnamed code, called from function_7 */
        must(hak_store_put_node(capture.w, &(struct hak_node_row){.id = i,
                                                                  .parent = i == 100 ? 7 : i - 1,
                                                                  .process = 1,
                                                                  .ip = 0x480000 + i}));
    for (int i = 0; i < 2000; i++)
        block_malloc(5 + i, 1 + (uint32_t)i % 50, 1);
    block_malloc(3000, 102, 1);
    block_malloc(3001, 101, 1);
    open_tables();
    int looked_up = 0;
    sqlite3_trace_v2(database, SQLITE_TRACE_STMT, count_frame_lookup, &looked_up);
    ck_assert_str_eq(ask("SELECT count(function), count(DISTINCT function) FROM event"), "2002|50");
    ck_assert_int_eq(looked_up, 53);
    ck_assert_str_eq(ask("SELECT function, stack FROM event WHERE stack IN (49, 101, 102)"
                         " GROUP BY stack"),
                     "function_49|49;function_7|101;function_7|102");
}

TEST(a_pushed_down_constraint_reads_few_chunks) {
    struct stream *s = stream_new(3, 2);
    for (int chunk = 0; chunk < 60; chunk++) {
        for (int i = 0; i < 4000; i++) {
            struct hak_event e = stream_next(s);
            e.base += (uint64_t)chunk << 24; /* every chunk has addresses of its own */
            e.address += (uint64_t)chunk << 24;
            capture_put(e);
        }
        capture_cut();
    }
    free(s);
    block_malloc(5, 77, 1);
    open_tables();
    char by_base[100];
    snprintf(by_base, sizeof by_base, "SELECT id FROM event WHERE base = %llu",
             (unsigned long long)BLOCK(5));
    const char *sql[] = {by_base, "SELECT id FROM event WHERE stack = 77",
                         "SELECT id FROM event WHERE id = 240002",
                         "SELECT id FROM event ORDER BY id DESC LIMIT 1"};
    for (int i = 0; i < 4; i++) {
        int before, after, high;
        sqlite3_db_cacheflush(database);
        sqlite3_db_release_memory(database);
        sqlite3_db_status(database, SQLITE_DBSTATUS_CACHE_MISS, &before, &high, 1);
        ck_assert_str_eq(ask(sql[i]) + 0, i == 0 ? "240001;240002" : "240002");
        sqlite3_db_status(database, SQLITE_DBSTATUS_CACHE_MISS, &after, &high, 1);
        /* 60 chunks of some 25 KB are 360 pages of events, and 120 of postings */
        ck_assert_msg(after < 200, "%s read %d pages", sql[i], after);
    }
}

TEST(a_broken_chunk_is_an_error_with_its_name) {
    block_malloc(5, 10, 1);
    capture_finish();
    ck_assert_int_eq(sqlite3_open(capture.path, &database), SQLITE_OK);
    ck_assert_str_eq(ask("UPDATE chunk_data SET data = substr(data, 1, 60)"), "");
    sqlite3_close(database);
    open_tables();
    sqlite3_stmt *s;
    ck_assert_int_eq(sqlite3_prepare_v2(database, "SELECT * FROM event", -1, &s, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(s), SQLITE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(database), "chunk 1, header: its checksum"));
    sqlite3_finalize(s);
}

RUN_TESTS(.set_up = capture_start, .tear_down = stop)
