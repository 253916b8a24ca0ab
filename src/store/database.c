/* Prepares and runs statements. */
#include "store/database.h"

#include <stddef.h>
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

int hak_database_numbers(const struct hak_database *db, const char *sql, uint64_t argument,
                         uint64_t *values, int count) {
    sqlite3_stmt *query;
    if (sqlite3_prepare_v2(db->connection, sql, -1, &query, NULL) != SQLITE_OK)
        return hak_database_fail(db, "reading its tables");
    sqlite3_bind_int64(query, 1, (sqlite3_int64)argument);
    int result = sqlite3_step(query), found = result == SQLITE_ROW;
    for (int i = 0; i < count; i++)
        values[i] = found ? (uint64_t)sqlite3_column_int64(query, i) : 0;
    if (!found && result != SQLITE_DONE)
        found = hak_database_fail(db, "reading its tables");
    sqlite3_finalize(query);
    return found;
}
