/* What every virtual table of a store is made of. */
#ifndef HAK_STORE_VIRTUAL_TABLE_H
#define HAK_STORE_VIRTUAL_TABLE_H

#include <sqlite3.h>
#include <stdbool.h>
#include "store/error.h"

/* What the cursor of each table begins with. */
struct hak_table_cursor {
    sqlite3_vtab_cursor vtab;
    bool is_at_end;
    sqlite3_int64 number; /* the row's id */
};
static inline int hak_table_at_end(sqlite3_vtab_cursor *vtab) {
    return ((struct hak_table_cursor *)vtab)->is_at_end;
}
static inline int hak_table_rowid(sqlite3_vtab_cursor *vtab, sqlite3_int64 *out) {
    *out = ((struct hak_table_cursor *)vtab)->number;
    return SQLITE_OK;
}

/* Sets the message of hak_store_message() as the table's error. */
static inline int hak_table_fail(sqlite3_vtab *vtab, int error) {
    sqlite3_free(vtab->zErrMsg);
    vtab->zErrMsg = sqlite3_mprintf("%s", hak_store_message());
    return error == HAK_STORE_BROKEN ? SQLITE_CORRUPT : SQLITE_ERROR;
}

/* The methods of a table, in a file that has best_index, open_cursor, close_cursor, filter, next
 * and column. There is no xCreate: the table is there by its name alone, also on a read-only
 * connection, and the file knows nothing of it. */
#define HAK_TABLE_METHODS                                                                          \
    .iVersion = 1, .xBestIndex = best_index, .xOpen = open_cursor, .xClose = close_cursor,         \
    .xFilter = filter, .xNext = next, .xEof = hak_table_at_end, .xColumn = column,                 \
    .xRowid = hak_table_rowid

#endif
