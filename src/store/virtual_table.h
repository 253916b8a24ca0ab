/* Parts of every virtual table of a store. */
#ifndef HAK_STORE_VIRTUAL_TABLE_H
#define HAK_STORE_VIRTUAL_TABLE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include "store/error.h"

/* The first member of each table's cursor. */
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

/* SQLite's code for an error of the store. */
static inline int hak_table_code(int error) {
    return error == HAK_STORE_BROKEN ? SQLITE_CORRUPT : SQLITE_ERROR;
}
/* Sets the message of hak_store_message() as the table's error. */
static inline int hak_table_fail(sqlite3_vtab *vtab, int error) {
    sqlite3_free(vtab->zErrMsg);
    vtab->zErrMsg = sqlite3_mprintf("%s", hak_store_message());
    return hak_table_code(error);
}

/* xBestIndex writes the constraints that it takes as pairs of characters, a column ('a' = 0) and an
 * operator, in the order of xFilter's arguments. */
enum {
    HAK_OP_EQUAL = '=',
    HAK_OP_ABOVE = '>',
    HAK_OP_FROM = ']',
    HAK_OP_BELOW = '<',
    HAK_OP_TO = '['
};

#define HAK_TABLE_BIT(column) (1u << (column))
#define HAK_TABLE_ROWID       (1u << 31) /* in `equal`: column 0 is the rowid */

/* Takes the usable constraints on the columns in `equal` and `range` (bit n = column n). `omit`:
 * columns whose constraint need not be checked again. Returns an SQLite code; `equal_taken` is set.
 */
int hak_table_take(sqlite3_index_info *info, unsigned equal, unsigned range, unsigned omit,
                   unsigned *equal_taken);

/* Reads one argument of xFilter as a number that `op` compares with. False: no row can fit. */
bool hak_table_number(sqlite3_value *value, int op, uint64_t *out);
/* Narrows [from, to] (inclusive; to 0 = open) by `op` and a number; false when nothing is left. */
bool hak_table_narrow(int op, uint64_t value, uint64_t *from, uint64_t *to);

/* Methods that every table has. A table names its own ones after them: .xOpen, .xClose,
 * .xBestIndex, .xFilter, .xNext, .xColumn. There is no xCreate: the table is there by its name
 * alone, also on a read-only connection, and the file has no entry of it. */
#define HAK_TABLE_METHODS .iVersion = 1, .xEof = hak_table_at_end, .xRowid = hak_table_rowid

#endif
