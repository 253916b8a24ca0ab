/* Copies the tables of a capture from the server into a database. */
#include "remote/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "remote/symbols.h"
#include "store/error.h"

/* A table with blobs that is no larger comes whole. */
enum { SMALL_BYTES = 64 << 10, SMALL_ROWS = SMALL_BYTES / 8 };
/* Rows beside those that were pushed that are taken, and all where it is not known how many were:
 * a user who may push can insert any. */
enum { MORE_ROWS = 65536, MOST_ROWS = 1 << 24 };
/* One thread has a connection at a time. */
enum { MEMORY_FLAGS = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX };

static const char reading_tables[] = "reading its tables";

/* ---- what is asked ----------------------------------------------------------------------------
 */

static bool is_plausible(const struct hak_image *image, int at) {
    return image->table[at].rows <= INT64_MAX && image->table[at].bytes <= INT64_MAX;
}

/* Finds the blobs' column of a large table: its only one, whose rows one number finds. -1 = none.
 */
static int blob_of(const struct hak_image *image, const struct hak_remote_table *t, int at) {
    int blob = -1, blobs = 0;
    for (int i = 0; i < t->columns; i++)
        if (t->column[i].type == HAK_REMOTE_BYTES) {
            blob = i;
            blobs++;
        }
    bool is_small = image->table[at].bytes <= SMALL_BYTES && image->table[at].rows <= SMALL_ROWS;
    bool has_number = t->keys == 1 && hak_remote_key(t, 1)->type == HAK_REMOTE_NUMBER;
    return blobs == 1 && has_number && !is_small ? blob : -1;
}

/* The index of the table with this name, or -1. */
static int number_of(const struct hak_remote_tables *tables, const char *name, size_t bytes) {
    for (int i = 0; i < tables->tables && name; i++)
        if (strlen(tables->table[i].name) == bytes &&
            memcmp(tables->table[i].name, name, bytes) == 0)
            return i;
    return -1; /* of a later version */
}

/* Takes the sizes of the tables, and finds those that come without their blobs. */
static void plan(struct hak_image *image, const struct hak_remote_tables *tables,
                 const PGresult *sizes) {
    for (int i = 0; i < HAK_REMOTE_TABLES; i++)
        image->table[i].blob = -1;
    for (int row = 0; row < PQntuples(sizes); row++) {
        size_t length;
        const char *name = hak_link_text(sizes, row, 0, &length);
        int at = number_of(tables, name, length);
        if (at < 0)
            continue;
        image->table[at].is_known = true;
        /* Below 0, too: a writer made it up. */
        if (!hak_link_number(sizes, row, 1, &image->table[at].rows) ||
            !hak_link_number(sizes, row, 2, &image->table[at].bytes))
            image->table[at].rows = UINT64_MAX;
        image->table[at].blob = blob_of(image, &tables->table[at], at);
        image->table[at].is_late = strcmp(tables->table[at].name, "symbol") == 0 &&
                                   tables->table[at].columns == HAK_SYMBOL_COLUMNS &&
                                   image->table[at].rows > SMALL_ROWS;
    }
}

uint64_t hak_image_rows_asked(const struct hak_image *image, int at) {
    uint64_t pushed = image->table[at].rows;
    if (!is_plausible(image, at))
        return MOST_ROWS + 1;
    return pushed < INT32_MAX - MORE_ROWS ? pushed + MORE_ROWS + 1 : INT32_MAX; /* libpq's most */
}

/* Makes the query of all rows without the blobs, or of one, to see that there are some. To be
 * freed. */
static char *sql_of(const struct hak_image *image, const struct hak_remote_table *t, int at,
                    bool wants_all) {
    char *text = NULL;
    size_t length;
    FILE *sql = open_memstream(&text, &length);
    if (!sql)
        return NULL;
    fprintf(sql, wants_all ? "SELECT" : "SELECT capture");
    for (int i = 0; i < t->columns && wants_all; i++)
        if (i != image->table[at].blob)
            fprintf(sql, "%s \"%s\"", i && (i > 1 || image->table[at].blob) ? "," : "",
                    t->column[i].name);
    fprintf(sql,
            " FROM hakmem.\"c_%s\" WHERE capture = CAST($1 AS BIGINT) FETCH FIRST %llu ROWS ONLY",
            t->name, wants_all ? (unsigned long long)hak_image_rows_asked(image, at) : 1ull);
    if (fclose(sql) == 0)
        return text;
    free(text);
    return NULL;
}

int hak_image_check_rows(const struct hak_image *image, const struct hak_link *link,
                         const struct hak_remote_tables *tables, int at, bool has_all,
                         uint64_t there) {
    uint64_t pushed = image->table[at].rows;
    if (there >= hak_image_rows_asked(image, at))
        return hak_store_fail(HAK_STORE_BROKEN,
                              "%s: capture %" PRIu64 " has more rows of table %s there than were "
                              "pushed; who keeps the server removes it, then push again",
                              link->name, link->capture, tables->table[at].name);
    if (!is_plausible(image, at) || there >= (has_all || !pushed ? pushed : 1))
        return 0;
    return hak_store_fail(HAK_STORE_BROKEN,
                          "%s: capture %" PRIu64 " has %" PRIu64 " rows of table %s there, and "
                          "%" PRIu64 " were pushed; who keeps the server removes it, then push "
                          "again",
                          link->name, link->capture, there, tables->table[at].name, pushed);
}

/* ---- the database -----------------------------------------------------------------------------
 */

static bool run_in_image(sqlite3 *database, const char *sql) {
    return sql && sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* Binds a cell of the server's answer to the row's place; false: its value is none of the column's
 * kind. */
static bool bind_cell(sqlite3_stmt *row, int at, const struct hak_remote_column *column,
                      const PGresult *rows, int number, int place) {
    const char *text = NULL;
    size_t bytes;
    uint64_t integer;
    double real;
    if (PQgetisnull(rows, number, place))
        return !column->key;
    switch (column->type) {
    case HAK_REMOTE_NUMBER:
        return hak_link_number(rows, number, place, &integer) &&
               sqlite3_bind_int64(row, at, (sqlite3_int64)integer) == SQLITE_OK;
    case HAK_REMOTE_REAL:
        return hak_link_real(rows, number, place, &real) &&
               sqlite3_bind_double(row, at, real) == SQLITE_OK;
    case HAK_REMOTE_TEXT:
        text = hak_link_text(rows, number, place, &bytes);
        return text && sqlite3_bind_text(row, at, text, (int)bytes, SQLITE_STATIC) == SQLITE_OK;
    case HAK_REMOTE_BYTES:
        text = hak_link_text(rows, number, place, &bytes);
        return text && sqlite3_bind_blob(row, at, text, (int)bytes, SQLITE_STATIC) == SQLITE_OK;
    }
    return false;
}

/* A statement that inserts a row with all columns of the table; NULL: it failed. */
static sqlite3_stmt *prepare_insert(sqlite3 *database, const struct hak_remote_table *t) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_stmt *row = NULL;
    sqlite3_str_appendf(sql, "INSERT INTO \"%w\"(", t->name);
    for (int i = 0; i < t->columns; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i ? "," : "", t->column[i].name);
    for (int i = 0; i < t->columns; i++)
        sqlite3_str_appendall(sql, i ? ",?" : ") VALUES(?");
    sqlite3_str_appendall(sql, ")");
    char *text = sqlite3_str_finish(sql);
    if (text)
        (void)sqlite3_prepare_v2(database, text, -1, &row, NULL);
    sqlite3_free(text);
    return row;
}

/* Inserts the server's rows into a local table; the blob's column stays empty. 0, or an error. */
static int fill(sqlite3 *database, const struct hak_link *link, const struct hak_remote_table *t,
                int blob, const PGresult *rows) {
    sqlite3_stmt *row = prepare_insert(database, t);
    bool is_done = row != NULL, has_memory = is_done;
    for (int at = 0; at < PQntuples(rows) && is_done; at++) {
        sqlite3_clear_bindings(row);
        for (int i = 0, place = 0; i < t->columns && is_done; i++)
            is_done = i == blob || bind_cell(row, i + 1, &t->column[i], rows, at, place++);
        is_done = is_done && sqlite3_step(row) == SQLITE_DONE;
        has_memory = sqlite3_reset(row) != SQLITE_NOMEM;
    }
    sqlite3_finalize(row);
    if (!has_memory)
        return hak_store_no_memory(link->name);
    return is_done ? 0 : hak_link_fail_cell(link, reading_tables);
}

/* ---- from the server --------------------------------------------------------------------------
 */

struct looking {
    const struct hak_image *image;
    const struct hak_link *link;
    const struct hak_remote_tables *tables;
    sqlite3 *database; /* to be filled; NULL: the server is asked for one row of each table */
    int at[HAK_REMOTE_TABLES];
    bool has_more; /* rows than were pushed, or who knows */
};

/* Checks the rows of one table's answer and, if there is a database, fills them in; notes where
 * there are more than the image has planned. Frees the answer. 0, or an error. */
static int take_rows(void *context, int question, PGresult *rows) {
    struct looking *l = context;
    int at = l->at[question];
    l->has_more |= !is_plausible(l->image, at);
    l->has_more |= (uint64_t)PQntuples(rows) > l->image->table[at].rows;
    bool has_all = l->database && !l->image->table[at].is_late;
    int error =
        hak_image_check_rows(l->image, l->link, l->tables, at, has_all, (uint64_t)PQntuples(rows));
    if (!error && has_all)
        error = fill(l->database, l->link, &l->tables->table[at], l->image->table[at].blob, rows);
    PQclear(rows);
    return error;
}

/* Looks at each known table in one way to the server and back, and fills `database` unless it is
 * NULL. `*has_more`: a table has more rows than planned. 0, or an error. */
static int look(const struct hak_image *image, struct hak_link *link,
                const struct hak_remote_tables *tables, sqlite3 *database, bool *has_more) {
    struct looking l = {image, link, tables, database, {0}, false};
    struct hak_link_question question[HAK_REMOTE_TABLES] = {0};
    int count = 0, error = 0;
    unsigned char id[8];
    struct hak_link_value value = {id, 8};
    hak_link_put(link->capture, id);
    for (int i = 0; i < tables->tables && !error; i++) {
        if (!image->table[i].is_known) /* no rows: a server laid out before has no such table */
            continue;
        char *sql = sql_of(image, &tables->table[i], i, database && !image->table[i].is_late);
        l.at[count] = i;
        question[count++] = (struct hak_link_question){sql, &value, 1};
        error = sql ? 0 : hak_store_no_memory(link->name);
    }
    if (!error && count)
        error = hak_link_ask_each(link, question, count, reading_tables, take_rows, &l);
    for (int i = 0; i < count; i++)
        free(question[i].sql);
    *has_more = l.has_more;
    return error;
}

static int fail_layout(const struct hak_link *link, sqlite3 *database) {
    return hak_store_fail(HAK_STORE_INTERNAL, "%s: its tables cannot be laid out: %s", link->name,
                          sqlite3_errmsg(database));
}

/* Makes an image of the capture's tables, as a serialised SQLite database. `*has_more`: the server
 * had more rows than were pushed. 0, or an error. */
static int copy_tables(struct hak_image *image, struct hak_link *link,
                       struct hak_remote_tables *tables, const char *schema, const PGresult *sizes,
                       struct hak_symbols *symbols, void **out, sqlite3_int64 *bytes,
                       bool *has_more) {
    sqlite3 *database = NULL;
    int error = 0;
    if (sqlite3_open_v2(":memory:", &database, MEMORY_FLAGS, NULL) != SQLITE_OK ||
        !hak_symbols_register(symbols, database) ||
        !run_in_image(database, "PRAGMA page_size=4096; BEGIN") || !run_in_image(database, schema))
        error = fail_layout(link, database);
    if (!error)
        error = hak_remote_tables_read(database, tables);
    if (!error) {
        plan(image, tables, sizes);
        error = look(image, link, tables, database, has_more);
    }
    for (int i = 0; i < tables->tables && !error; i++)
        if (image->table[i].is_late && !hak_symbols_replace(database))
            error = fail_layout(link, database);
    if (!error && !run_in_image(database, "COMMIT"))
        error = fail_layout(link, database);
    if (!error) {
        *out = sqlite3_serialize(database, "main", bytes, 0);
        error = *out ? 0 : hak_store_no_memory(link->name);
    }
    sqlite3_close(database);
    return error;
}

/* Opens an image, which is freed with the connection, also where it cannot be opened. 0, or an
 * error. */
static int open_image_of(const struct hak_link *link, struct hak_symbols *symbols, void *data,
                         sqlite3_int64 bytes, sqlite3 **out) {
    if (sqlite3_open_v2(":memory:", out, MEMORY_FLAGS, NULL) != SQLITE_OK ||
        !hak_symbols_register(symbols, *out)) {
        sqlite3_free(data);
        return hak_store_no_memory(link->name);
    }
    unsigned flags = SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY;
    return sqlite3_deserialize(*out, "main", data, bytes, bytes, flags) == SQLITE_OK
               ? 0
               : hak_store_no_memory(link->name);
}

int hak_image_open(struct hak_image *image, struct hak_link *link, struct hak_remote_tables *tables,
                   const char *schema, const PGresult *sizes, struct hak_cache *cache,
                   struct hak_symbols *symbols, sqlite3 **out) {
    bool has_more = false, is_cached = cache->database != NULL;
    void *data = cache->database;
    sqlite3_int64 bytes = (sqlite3_int64)cache->database_bytes;
    cache->database = NULL;
    int error = is_cached ? 0
                          : copy_tables(image, link, tables, schema, sizes, symbols, &data, &bytes,
                                        &has_more);
    if (error)
        return error;
    if (!is_cached && !has_more)
        hak_cache_put_database(cache, data, (size_t)bytes);
    error = open_image_of(link, symbols, data, bytes, out);
    if (error || !is_cached)
        return error;
    error = hak_remote_tables_read(*out, tables);
    if (error)
        return error;
    plan(image, tables, sizes);
    return look(image, link, tables, NULL, &has_more);
}
