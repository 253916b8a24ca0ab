/* Prepares and runs statements. */
#include "store/database.h"

#include <stddef.h>
#include <string.h>
#include "store/error.h"

int hak_database_fail(const struct hak_database *db, const char *doing) {
    return hak_store_fail_sqlite(db->connection, db->path, doing);
}

sqlite3_stmt *hak_database_keep(const struct hak_database *db, sqlite3_stmt **kept, const char *sql,
                                const char *doing) {
    if (!*kept && sqlite3_prepare_v3(db->connection, sql, -1, SQLITE_PREPARE_PERSISTENT, kept,
                                     NULL) != SQLITE_OK)
        hak_database_fail(db, doing);
    return *kept;
}

int hak_database_run(const struct hak_database *db, sqlite3_stmt *statement, const char *doing) {
    int error = sqlite3_step(statement) == SQLITE_DONE ? 0 : hak_database_fail(db, doing);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return error;
}

struct hak_query hak_ask_with(const struct hak_database *db, const char *sql, const char *doing,
                              const uint64_t *numbers, int count) {
    struct hak_query q = {.db = db, .doing = doing};
    if (sqlite3_prepare_v2(db->connection, sql, -1, &q.statement, NULL) != SQLITE_OK)
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
    sqlite3_finalize(q->statement);
    q->statement = NULL;
    return q->error;
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

/* The text of the first row; ends the query. */
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

char *hak_database_meta(const struct hak_database *db, const char *key) {
    struct hak_query q = hak_ask(db, "SELECT value FROM meta WHERE key = ?1", reading);
    hak_query_bind_text(&q, 1, key);
    return copy_text(&q);
}
