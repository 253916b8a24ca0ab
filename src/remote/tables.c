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

/* Gives each row of `sql` to `take`, and ends where that is false: SQLITE_ROW. SQLITE_DONE: all
 * were taken. */
static int each_row(sqlite3 *database, const char *sql, struct hak_remote_tables *tables,
                    bool (*take)(struct hak_remote_tables *, sqlite3_stmt *)) {
    sqlite3_stmt *rows = NULL;
    int step = sqlite3_prepare_v2(database, sql, -1, &rows, NULL);
    if (step == SQLITE_OK)
        while ((step = sqlite3_step(rows)) == SQLITE_ROW && take(tables, rows))
            ;
    sqlite3_finalize(rows);
    return step;
}

/* The table whose name is in the row, or one more if it `may_add`; NULL: there is none, no room or
 * memory, or the name needs quoting. */
static struct hak_remote_table *table_of_row(struct hak_remote_tables *tables, sqlite3_stmt *row,
                                             bool may_add) {
    const char *name = text_at(row, 0);
    for (int i = tables->tables; i-- > 0;)
        if (strcmp(tables->table[i].name, name) == 0)
            return &tables->table[i];
    char *copy =
        may_add && tables->tables < HAK_REMOTE_TABLES && is_plain(name) ? strdup(name) : NULL;
    if (!copy)
        return NULL;
    struct hak_remote_table *table = &tables->table[tables->tables++];
    table->name = copy;
    return table;
}

/* Notes a column of a table. False: too many, no memory, or a name that needs quoting. */
static bool take_column(struct hak_remote_tables *tables, sqlite3_stmt *row) {
    struct hak_remote_table *table = table_of_row(tables, row, true);
    if (!table || table->columns == HAK_REMOTE_COLUMNS)
        return false;
    struct hak_remote_column *column = &table->column[table->columns++];
    column->name = strdup(text_at(row, 1));
    column->type = type_of(text_at(row, 2));
    column->key = sqlite3_column_int(row, 3);
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

/* Adds a column to an index, from a row with the table, its number in the index, the index, the
 * column. Rows come index by index. */
static bool take_index_column(struct hak_remote_tables *tables, sqlite3_stmt *row) {
    struct hak_remote_table *table = table_of_row(tables, row, false);
    if (!table)
        return false;
    int column = find_column(table, text_at(row, 3));
    bool is_first = sqlite3_column_int(row, 1) == 0;
    if (is_first && table->indexes < HAK_REMOTE_INDEXES && is_plain(text_at(row, 2))) {
        char *name = strdup(text_at(row, 2));
        if (!name)
            return false;
        table->index[table->indexes++].name = name;
    }
    struct hak_remote_index *index = &table->index[table->indexes ? table->indexes - 1 : 0];
    if (column < 0 || !index->name || strcmp(index->name, text_at(row, 2)) != 0 ||
        index->columns == HAK_REMOTE_INDEX_COLUMNS)
        return true;
    index->column[index->columns++] = column;
    return true;
}

int hak_remote_tables_read(sqlite3 *database, struct hak_remote_tables *out) {
    *out = (struct hak_remote_tables){0};
    int step = each_row(database,
                        "SELECT t.name, c.name, c.type, c.pk FROM sqlite_master t,"
                        " pragma_table_info(t.name) c WHERE t.type = 'table'"
                        " AND t.name NOT GLOB 'sqlite_*' ORDER BY t.name, c.cid",
                        out, take_column);
    if (step == SQLITE_DONE)
        step = each_row(database,
                        "SELECT t.name, i.seqno, l.name, i.name FROM sqlite_master t,"
                        " pragma_index_list(t.name) l, pragma_index_info(l.name) i"
                        " WHERE t.type = 'table' AND t.name NOT GLOB 'sqlite_*'"
                        " AND l.origin = 'c' AND NOT l.partial ORDER BY t.name, l.name, i.seqno",
                        out, take_index_column);
    for (int i = 0; i < out->tables && step == SQLITE_DONE; i++)
        if (!out->table[i].keys)
            step = SQLITE_ROW; /* the order of its rows is open */
    if (step == SQLITE_DONE)
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
