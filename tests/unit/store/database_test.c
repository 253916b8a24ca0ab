/* Queries of a store's tables: values go in, rows come out, errors are told with what was done, and
 * statements are kept for the next query of the same text. */
#include "store/database.h"

#include <stdio.h>
#include <string.h>
#include "../suite.h"
#include "store/error.h"

static struct hak_database db;

static void set_up(void) {
    db = (struct hak_database){.path = (char *)"some.db"};
    ck_assert_int_eq(sqlite3_open(":memory:", &db.connection), SQLITE_OK);
    ck_assert_int_eq(hak_database_keep(&db), 0);
    ck_assert_int_eq(hak_database_run(&db, "CREATE TABLE t(id INTEGER, name TEXT)", "making"), 0);
    for (int i = 1; i <= 3; i++)
        ck_assert_int_eq(hak_do(&db, "INSERT INTO t VALUES(?, ?)", "storing", HAK_NUMBER(i),
                                HAK_TEXT(i == 2 ? NULL : "text")),
                         0);
}

static void tear_down(void) {
    hak_database_free(&db);
    ck_assert_int_eq(sqlite3_close(db.connection), SQLITE_OK); /* no statement is left */
}

static int count_statements(void) {
    int count = 0;
    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(db.connection, s)) != NULL;)
        count++;
    return count;
}

TEST(rows_come_out_as_they_were_put) {
    uint64_t sum = 0;
    struct hak_query q = hak_ask(
        &db, "SELECT id, name FROM t WHERE id BETWEEN ?1 AND ?2 ORDER BY id", "reading", 2, 3);
    while (hak_query_next(&q)) {
        sum = 10 * sum + hak_query_number(&q, 0);
        ck_assert_str_eq(hak_query_text(&q, 1), hak_query_number(&q, 0) == 2 ? "" : "text");
    }
    ck_assert_int_eq(hak_query_end(&q), 0);
    ck_assert_uint_eq(sum, 23);
    ck_assert_uint_eq(hak_database_number(&db, "SELECT max(id) FROM t WHERE id < ?1", 3), 2);
    ck_assert_uint_eq(hak_database_number(&db, "SELECT id FROM t WHERE id = ?1", 9), 0);
}

TEST(an_error_ends_the_rows_and_says_what_was_done) {
    struct hak_query q = hak_ask(&db, "SELECT id FROM missing", "counting sheep", 1);
    ck_assert(!hak_query_next(&q));
    ck_assert_int_eq(hak_query_end(&q), HAK_STORE_BROKEN);
    ck_assert_ptr_nonnull(strstr(hak_store_message(), "some.db"));
    ck_assert_ptr_nonnull(strstr(hak_store_message(), "counting sheep"));
    ck_assert_int_lt(hak_do(&db, "INSERT INTO missing VALUES(?)", "storing", HAK_NUMBER(1)), 0);
}

TEST(statements_are_kept_by_their_text) {
    hak_database_release(&db);
    ck_assert_int_eq(count_statements(), 0);
    for (int i = 0; i < 5; i++) {
        /* The same address, another text. */
        char sql[64];
        snprintf(sql, sizeof sql, "SELECT %d + id FROM t WHERE id = ?1", i % 2);
        ck_assert_uint_eq(hak_database_number(&db, sql, 3), 3 + (uint64_t)(i % 2));
    }
    ck_assert_int_eq(count_statements(), 2);
    hak_database_release(&db);
    ck_assert_int_eq(count_statements(), 0);
}

TEST(a_query_inside_one_of_the_same_text_has_a_statement_of_its_own) {
    static const char sql[] = "SELECT id FROM t WHERE id >= ?1 ORDER BY id";
    uint64_t seen = 0;
    struct hak_query outer = hak_ask(&db, sql, "reading", 1);
    while (hak_query_next(&outer)) {
        struct hak_query inner = hak_ask(&db, sql, "reading", hak_query_number(&outer, 0));
        while (hak_query_next(&inner))
            seen++;
        ck_assert_int_eq(hak_query_end(&inner), 0);
    }
    ck_assert_int_eq(hak_query_end(&outer), 0);
    ck_assert_uint_eq(seen, 6);
}

TEST(what_was_bound_before_is_forgotten) {
    static const char sql[] = "SELECT ?1 IS NULL";
    ck_assert_uint_eq(hak_database_number(&db, sql, 5), 0);
    struct hak_query q = hak_ask(&db, sql, "reading");
    ck_assert(hak_query_next(&q));
    ck_assert_uint_eq(hak_query_number(&q, 0), 1);
    hak_query_end(&q);
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
