/* Prepares and runs statements. */
#include "store/database.h"

#include <stdlib.h>
#include <string.h>
#include "store/error.h"

int hak_database_fail(const struct hak_database *db, const char *doing) {
    return hak_store_fail_sqlite(db->connection, db->path, doing);
}

bool hak_database_begin_reading(const struct hak_database *db) {
    return sqlite3_get_autocommit(db->connection) &&
           sqlite3_exec(db->connection, "SAVEPOINT hakmem_reading", NULL, NULL, NULL) == SQLITE_OK;
}

void hak_database_end_reading(const struct hak_database *db, bool is_own) {
    if (is_own && !sqlite3_get_autocommit(db->connection))
        sqlite3_exec(db->connection, "RELEASE hakmem_reading", NULL, NULL, NULL);
}

/* ---- statements that are kept ------------------------------------------------------------------
 */

enum { KEPT_MAX = 64 };

struct hak_statements {
    sqlite3_stmt *free[KEPT_MAX];
    int count;
};

int hak_database_keep(struct hak_database *db) {
    db->kept = calloc(1, sizeof *db->kept);
    return db->kept ? 0 : hak_store_no_memory(db->path ? db->path : "store");
}

void hak_database_release(const struct hak_database *db) {
    while (db->kept && db->kept->count)
        sqlite3_finalize(db->kept->free[--db->kept->count]);
}

void hak_database_free(struct hak_database *db) {
    hak_database_release(db);
    free(db->kept);
    db->kept = NULL;
}

/* A prepared statement of the same text that was kept; NULL: none. */
static sqlite3_stmt *take_kept(struct hak_statements *kept, const char *sql) {
    for (int i = kept ? kept->count : 0; i-- > 0;) {
        sqlite3_stmt *statement = kept->free[i];
        if (strcmp(sqlite3_sql(statement), sql) == 0) {
            kept->free[i] = kept->free[--kept->count];
            return statement;
        }
    }
    return NULL;
}

/* Keeps the statement for the next with its text, or ends it if KEPT_MAX are kept. */
static void give_back(struct hak_statements *kept, sqlite3_stmt *statement) {
    if (!kept || kept->count == KEPT_MAX) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    kept->free[kept->count++] = statement;
}

/* ---- queries -----------------------------------------------------------------------------------
 */

struct hak_query hak_ask_with(const struct hak_database *db, const char *sql, const char *doing,
                              const uint64_t *numbers, int count) {
    struct hak_query q = {.db = db, .doing = doing, .statement = take_kept(db->kept, sql)};
    unsigned how = db->kept ? SQLITE_PREPARE_PERSISTENT : 0;
    if (!q.statement && sqlite3_prepare_v3(db->connection, sql, -1, how, &q.statement, NULL))
        q.error = hak_database_fail(db, doing);
    for (int i = 1; i <= count && !q.error; i++)
        sqlite3_bind_int64(q.statement, i, (sqlite3_int64)numbers[i]);
    return q;
}

void hak_query_bind_text(struct hak_query *q, int at, const char *text) {
    if (!q->error)
        sqlite3_bind_text(q->statement, at, text, -1, SQLITE_STATIC);
}

bool hak_query_next(struct hak_query *q) {
    int result = q->error ? SQLITE_DONE : sqlite3_step(q->statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        q->error = hak_database_fail(q->db, q->doing);
    return result == SQLITE_ROW;
}

void hak_query_again(struct hak_query *q) {
    if (!q->error)
        sqlite3_reset(q->statement);
}

int hak_query_end(struct hak_query *q) {
    if (q->statement)
        give_back(q->db->kept, q->statement);
    q->statement = NULL;
    return q->error;
}

int hak_database_run(const struct hak_database *db, const char *sql, const char *doing) {
    return sqlite3_exec(db->connection, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : hak_database_fail(db, doing);
}

int hak_do_with(const struct hak_database *db, const char *sql, const char *doing,
                const struct hak_value *values, int count) {
    struct hak_query q = hak_ask(db, sql, doing);
    for (int i = 0; i < count && !q.error; i++) {
        const struct hak_value *v = &values[i];
        if (v->kind == HAK_IS_NUMBER)
            sqlite3_bind_int64(q.statement, i + 1, (sqlite3_int64)v->number);
        else if (v->kind == HAK_IS_TEXT)
            hak_query_bind_text(&q, i + 1, v->data ? v->data : "");
        else
            sqlite3_bind_blob64(q.statement, i + 1, v->data, v->number, SQLITE_STATIC);
    }
    hak_query_next(&q);
    return hak_query_end(&q);
}

static const char reading[] = "reading its tables";

int hak_database_numbers(const struct hak_database *db, const char *sql, uint64_t argument,
                         uint64_t *values, int count) {
    struct hak_query q = hak_ask(db, sql, reading, argument);
    int found = hak_query_next(&q);
    for (int i = 0; i < count; i++)
        values[i] = found ? hak_query_number(&q, i) : 0;
    int error = hak_query_end(&q);
    return error ? error : found;
}

uint64_t hak_database_number(const struct hak_database *db, const char *sql, uint64_t argument) {
    uint64_t value;
    hak_database_numbers(db, sql, argument, &value, 1);
    return value;
}

/* A copy of the first row's text, and ends the query; NULL: no row, NULL or no memory. */
static char *copy_text(struct hak_query *q) {
    bool found = hak_query_next(q) && sqlite3_column_type(q->statement, 0) != SQLITE_NULL;
    char *text = found ? strdup(hak_query_text(q, 0)) : NULL;
    hak_query_end(q);
    return text;
}

char *hak_database_text(const struct hak_database *db, const char *sql, uint64_t argument) {
    struct hak_query q = hak_ask(db, sql, reading, argument);
    return copy_text(&q);
}

bool hak_database_has_table(const struct hak_database *db, const char *table) {
    struct hak_query q =
        hak_ask(db, "SELECT 1 FROM sqlite_master WHERE name = ?1", "listing its tables");
    hak_query_bind_text(&q, 1, table);
    bool found = hak_query_next(&q);
    hak_query_end(&q);
    return found;
}

char *hak_database_meta(const struct hak_database *db, const char *key) {
    struct hak_query q = hak_ask(db, "SELECT value FROM meta WHERE key = ?1", reading);
    hak_query_bind_text(&q, 1, key);
    return copy_text(&q);
}

uint64_t hak_database_meta_number(const struct hak_database *db, const char *key) {
    char *text = hak_database_meta(db, key);
    uint64_t number = text ? strtoull(text, NULL, 10) : 0;
    free(text);
    return number;
}
