/* Asks SQLite for the tables of a store, and writes the statements of the same tables on the
 * server. */
#include "remote/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/error.h"

enum { NAME_BYTES = 28 }; /* c_TABLE_by_COLUMN is a name, too: the server has 63 bytes for one */

/* ---- of a store -------------------------------------------------------------------------------
 */

/* The kind of a column by its declared type. */
static enum hak_remote_type type_of(const char *declared) {
    if (strcmp(declared, "BLOB") == 0)
        return HAK_REMOTE_BYTES;
    if (strcmp(declared, "TEXT") == 0)
        return HAK_REMOTE_TEXT;
    return strcmp(declared, "REAL") == 0 ? HAK_REMOTE_REAL : HAK_REMOTE_NUMBER;
}

static const char *text_at(sqlite3_stmt *rows, int column) {
    const char *text = (const char *)sqlite3_column_text(rows, column);
    return text ? text : "";
}

/* Names stand in SQL between quotes and as texts, and a store from elsewhere may have any. */
static bool is_plain(const char *name) {
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return length > 0 && length <= NAME_BYTES && !name[length];
}

/* Steps through the rows of `sql` with `name` as its only value. False: an error. */
static bool each_row(sqlite3 *database, const char *sql, const char *name,
                     bool (*take)(struct hak_remote_table *, sqlite3_stmt *),
                     struct hak_remote_table *table) {
    sqlite3_stmt *rows = NULL;
    bool is_whole = sqlite3_prepare_v2(database, sql, -1, &rows, NULL) == SQLITE_OK;
    int step = SQLITE_DONE;
    if (is_whole)
        sqlite3_bind_text(rows, 1, name, -1, SQLITE_TRANSIENT);
    while (is_whole && (step = sqlite3_step(rows)) == SQLITE_ROW)
        is_whole = take(table, rows);
    sqlite3_finalize(rows);
    return is_whole && step == SQLITE_DONE;
}

/* Notes a column of the table. False: too many, no memory, or a name that needs quoting. */
static bool take_column(struct hak_remote_table *table, sqlite3_stmt *row) {
    if (table->columns == HAK_REMOTE_COLUMNS)
        return false;
    struct hak_remote_column *column = &table->column[table->columns++];
    column->name = strdup(text_at(row, 0));
    column->type = type_of(text_at(row, 1));
    column->key = sqlite3_column_int(row, 2);
    table->keys += column->key > 0;
    return column->name && is_plain(column->name);
}

/* The column's index, or -1. */
static int find_column(const struct hak_remote_table *table, const char *column) {
    for (int i = 0; i < table->columns; i++)
        if (strcmp(table->column[i].name, column) == 0)
            return i;
    return -1;
}

/* Adds a column to an index, from a row with its number there, the index, the column. Rows come
 * index by index. */
static bool take_index_column(struct hak_remote_table *table, sqlite3_stmt *row) {
    int column = find_column(table, text_at(row, 2));
    bool is_first = sqlite3_column_int(row, 0) == 0;
    if (is_first && table->indexes < HAK_REMOTE_INDEXES && is_plain(text_at(row, 1))) {
        char *name = strdup(text_at(row, 1));
        if (!name)
            return false;
        table->index[table->indexes++].name = name;
    }
    struct hak_remote_index *index = &table->index[table->indexes ? table->indexes - 1 : 0];
    if (column < 0 || !index->name || strcmp(index->name, text_at(row, 1)) != 0 ||
        index->columns == HAK_REMOTE_INDEX_COLUMNS)
        return true;
    index->column[index->columns++] = column;
    return true;
}

/* Reads a table's columns, keys and indexes. False: an error, or it has no key. */
static bool read_table(sqlite3 *database, const char *name, struct hak_remote_table *table) {
    table->name = strdup(name);
    return table->name && is_plain(name) &&
           each_row(database, "SELECT name, type, pk FROM pragma_table_info(?1)", name, take_column,
                    table) &&
           each_row(database,
                    "SELECT i.seqno, l.name, i.name FROM pragma_index_list(?1) l,"
                    " pragma_index_info(l.name) i WHERE l.origin = 'c' AND NOT l.partial"
                    " ORDER BY l.name, i.seqno",
                    name, take_index_column, table) &&
           table->keys > 0;
}

int hak_remote_tables_read(sqlite3 *database, struct hak_remote_tables *out) {
    sqlite3_stmt *names = NULL;
    *out = (struct hak_remote_tables){0};
    int step = sqlite3_prepare_v2(database,
                                  "SELECT name FROM sqlite_master WHERE type = 'table'"
                                  " AND name NOT GLOB 'sqlite_*' ORDER BY name",
                                  -1, &names, NULL);
    bool is_whole = step == SQLITE_OK;
    while (is_whole && (step = sqlite3_step(names)) == SQLITE_ROW)
        is_whole = out->tables < HAK_REMOTE_TABLES &&
                   read_table(database, text_at(names, 0), &out->table[out->tables++]);
    sqlite3_finalize(names);
    if (is_whole && step == SQLITE_DONE)
        return 0;
    hak_remote_tables_free(out);
    return step == SQLITE_ROW
               ? hak_store_fail(HAK_STORE_BROKEN, "the store has a table that no version of hakmem "
                                                  "makes, so it is not sent; was it changed?")
               : hak_store_fail(HAK_STORE_BROKEN, "the tables of the store cannot be read: %s",
                                sqlite3_errmsg(database));
}

void hak_remote_tables_free(struct hak_remote_tables *tables) {
    for (int i = 0; i < tables->tables; i++) {
        free(tables->table[i].name);
        for (int k = 0; k < tables->table[i].columns; k++)
            free(tables->table[i].column[k].name);
        for (int k = 0; k < tables->table[i].indexes; k++)
            free(tables->table[i].index[k].name);
    }
    *tables = (struct hak_remote_tables){0};
}

const struct hak_remote_column *hak_remote_key(const struct hak_remote_table *table, int at) {
    for (int i = 0; i < table->columns; i++)
        if (table->column[i].key == at)
            return &table->column[i];
    return &table->column[0];
}

/* ---- of the server ----------------------------------------------------------------------------
 */

static const char *const types[] = {[HAK_REMOTE_NUMBER] = "BIGINT",
                                    [HAK_REMOTE_REAL] = "DOUBLE PRECISION",
                                    [HAK_REMOTE_TEXT] = "BYTEA",
                                    [HAK_REMOTE_BYTES] = "BYTEA"};

/* Adds the SQL that makes an index in SQLite's order, whose NULLs come first, and drops its older
 * form, of the first column alone, which found thousands of rows where one was wanted. */
static void add_index(FILE *sql, const struct hak_remote_table *table,
                      const struct hak_remote_index *index) {
    fprintf(sql, "DROP INDEX IF EXISTS hakmem.\"c_%s_by_%s\";", table->name,
            table->column[index->column[0]].name);
    fprintf(sql, "CREATE INDEX IF NOT EXISTS \"i_%s\" ON hakmem.\"c_%s\"(capture", index->name,
            table->name);
    for (int i = 0; i < index->columns; i++)
        fprintf(sql, ", \"%s\" NULLS FIRST", table->column[index->column[i]].name);
    fprintf(sql, ");");
}

/* Appends the statements that make the table and its indexes on the server, or add the columns it
 * lacks. */
static void add_table(FILE *sql, const struct hak_remote_table *table) {
    fprintf(sql, "CREATE TABLE IF NOT EXISTS hakmem.\"c_%s\"(capture BIGINT NOT NULL", table->name);
    for (int i = 0; i < table->columns; i++)
        fprintf(sql, ", \"%s\" %s%s", table->column[i].name, types[table->column[i].type],
                table->column[i].key ? " NOT NULL" : "");
    fprintf(sql, ", PRIMARY KEY(capture");
    for (int i = 1; i <= table->keys; i++)
        fprintf(sql, ", \"%s\"", hak_remote_key(table, i)->name);
    fprintf(sql, "));");
    for (int i = 0; i < table->indexes; i++)
        add_index(sql, table, &table->index[i]);
    for (int i = 0; i < table->columns; i++) {
        const struct hak_remote_column *column = &table->column[i];
        /* A later version's column. */
        if (!column->key)
            fprintf(sql, "ALTER TABLE hakmem.\"c_%s\" ADD COLUMN IF NOT EXISTS \"%s\" %s;",
                    table->name, column->name, types[column->type]);
    }
}

void hak_remote_tables_add(FILE *sql, const struct hak_remote_tables *tables) {
    for (int i = 0; i < tables->tables; i++)
        add_table(sql, &tables->table[i]);
}
