/* Reads all symbols of a capture in one COPY, and gives them to SQLite as a virtual table: to
 * insert them takes ten times as long. */
#include "remote/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/error.h"

/* The first columns are the key, and in front of it that of an ip: image and offset. */
enum { IP_COLUMNS = 2, KEY_COLUMNS = 3 };
enum { LEAST_LINE = 2 * HAK_SYMBOL_COLUMNS }; /* bytes of a row in COPY's text */
enum { SYMBOLS_KIND = HAK_REMOTE_TABLES }; /* in the cache; those of blobs are numbers of tables */

static const char reading_symbols[] = "reading symbols";

struct symbol_table {
    sqlite3_vtab vtab;
    struct hak_symbols *symbols;
};
struct symbol_cursor {
    sqlite3_vtab_cursor vtab;
    uint64_t row, end;
};

/* ---- rows -------------------------------------------------------------------------------------
 */

/* Whether row `at` is of an ip at or above this one; of one above it if `is_above`. */
static bool is_from(const struct hak_symbols *s, uint64_t at, const uint64_t *ip, bool is_above) {
    for (int i = 0; i < IP_COLUMNS; i++)
        if (s->row[at][i] != ip[i])
            return (int64_t)s->row[at][i] > (int64_t)ip[i];
    return !is_above;
}

/* Takes a number and the character behind it. False: there are others. */
static bool take_number(const char **at, char end, uint64_t *out) {
    bool is_below = **at == '-';
    const char *from = *at += is_below;
    uint64_t number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at)
        number = 10 * number + (uint64_t)(**at - '0');
    *out = is_below ? -number : number;
    return *at > from && *(*at)++ == end;
}

/* Takes the rows out of a COPY's text. 0, or an error: a value is none of its kind, or the rows are
 * not in their order. */
static int unpack(struct hak_symbols *s, const char *at, size_t bytes) {
    const char *end = at + bytes;
    bool is_whole = true;
    s->rows = 0;
    s->row = sqlite3_malloc64((bytes / LEAST_LINE + 1) * sizeof *s->row);
    for (; s->row && is_whole && at < end; s->rows++) {
        for (int i = 0; i < HAK_SYMBOL_COLUMNS && is_whole; i++)
            is_whole =
                take_number(&at, i + 1 < HAK_SYMBOL_COLUMNS ? '\t' : '\n', &s->row[s->rows][i]);
        is_whole = is_whole && (!s->rows || is_from(s, s->rows, s->row[s->rows - 1], false));
    }
    if (s->row && is_whole)
        return 0;
    int error =
        s->row ? hak_link_fail_cell(s->link, reading_symbols) : hak_store_no_memory(s->link->name);
    sqlite3_free(s->row);
    s->row = NULL;
    return error;
}

/* The COPY of all rows in the order of their key. To be freed; NULL without memory. */
static char *copy_of(const struct hak_symbols *s, int table) {
    const struct hak_remote_table *t = &s->tables->table[table];
    char *sql = NULL;
    size_t length;
    FILE *text = open_memstream(&sql, &length);
    if (!text)
        return NULL;
    for (int i = 0; i < t->columns; i++)
        fprintf(text, "%s CAST(\"%s\" AS BIGINT)", i ? "," : "COPY (SELECT", t->column[i].name);
    fprintf(text, " FROM hakmem.\"c_%s\" WHERE capture = %llu ORDER BY", t->name,
            (unsigned long long)s->link->capture);
    for (int i = 0; i < KEY_COLUMNS; i++)
        fprintf(text, "%s \"%s\"", i ? "," : "", t->column[i].name);
    fprintf(text, " FETCH FIRST %llu ROWS ONLY) TO STDOUT",
            (unsigned long long)hak_image_rows_asked(s->image, table));
    return fclose(text) == 0 ? sql : NULL;
}

/* Reads all symbols from the server and keeps them. 0, or an error. */
static int ask_symbols(struct hak_symbols *s) {
    int at = 0;
    while (at + 1 < s->tables->tables && !s->image->table[at].is_late)
        at++;
    char *sql = copy_of(s, at), *data = NULL;
    size_t bytes;
    int error = sql ? hak_link_copy_out(s->link, sql, reading_symbols, &data, &bytes)
                    : hak_store_no_memory(s->link->name);
    if (!error)
        error = unpack(s, data, bytes);
    if (!error)
        error = hak_image_check_rows(s->image, s->link, s->tables, at, true, s->rows);
    if (!error && s->rows == s->image->table[at].rows) /* as they were pushed */
        hak_cache_put(s->cache, SYMBOLS_KIND, 0, s->row, s->rows * sizeof *s->row);
    free(sql);
    free(data);
    return error;
}

/* Reads all symbols from the cache, else from the server, if they are not there yet. 0, or an
 * error. */
static int need_symbols(struct hak_symbols *s) {
    size_t bytes;
    if (!s->row && (s->row = hak_cache_get(s->cache, SYMBOLS_KIND, 0, &bytes)) != NULL)
        s->rows = bytes / sizeof *s->row;
    return s->row ? 0 : ask_symbols(s);
}

/* The number of the first row that is_from. */
static uint64_t first_from(const struct hak_symbols *s, const uint64_t *ip, bool is_above) {
    uint64_t low = 0, high = s->rows;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (is_from(s, middle, ip, is_above))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- the table --------------------------------------------------------------------------------
 */

static int connect_symbols(sqlite3 *database, void *context, int count, const char *const *words,
                           sqlite3_vtab **out, char **why) {
    (void)count;
    (void)words;
    (void)why;
    struct symbol_table *table = sqlite3_malloc64(sizeof *table);
    /* As schema_sql.c has it. */
    int code =
        !table ? SQLITE_NOMEM
               : sqlite3_declare_vtab(database, "CREATE TABLE symbol(image INTEGER, offset INTEGER,"
                                                " level INTEGER, line INTEGER, function INTEGER,"
                                                " file INTEGER, PRIMARY KEY(image, offset, level))"
                                                " WITHOUT ROWID");
    *out = code == SQLITE_OK ? &table->vtab : NULL;
    if (code == SQLITE_OK)
        *table = (struct symbol_table){.symbols = context};
    else
        sqlite3_free(table);
    return code;
}

static int disconnect_symbols(sqlite3_vtab *vtab) {
    sqlite3_free(vtab);
    return SQLITE_OK;
}

/* An index by image and offset; else all rows are read. */
static int plan_symbols(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    (void)vtab;
    int at[IP_COLUMNS] = {-1, -1};
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn;
        if (info->aConstraint[i].usable && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ &&
            column >= 0 && column < IP_COLUMNS)
            at[column] = i;
    }
    info->idxNum = at[0] >= 0 && at[1] >= 0;
    for (int i = 0; i < IP_COLUMNS && info->idxNum; i++)
        info->aConstraintUsage[at[i]].argvIndex = i + 1;
    info->estimatedCost = info->idxNum ? 10 : 1e6;
    info->estimatedRows = info->idxNum ? 2 : 100000;
    return SQLITE_OK;
}

static int open_symbols(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
    (void)vtab;
    struct symbol_cursor *cursor = sqlite3_malloc64(sizeof *cursor);
    if (!cursor)
        return SQLITE_NOMEM;
    *cursor = (struct symbol_cursor){0};
    *out = &cursor->vtab;
    return SQLITE_OK;
}

static int close_symbols(sqlite3_vtab_cursor *vtab) {
    sqlite3_free(vtab);
    return SQLITE_OK;
}

/* Sets the cursor to the rows of an ip where both numbers are given, else to all. */
static int filter_symbols(sqlite3_vtab_cursor *vtab, int plan, const char *words, int count,
                          sqlite3_value **value) {
    (void)words;
    struct symbol_cursor *cursor = (struct symbol_cursor *)vtab;
    struct hak_symbols *s = ((struct symbol_table *)vtab->pVtab)->symbols;
    uint64_t ip[IP_COLUMNS] = {0};
    bool is_ip = plan && count == IP_COLUMNS;
    for (int i = 0; i < IP_COLUMNS && is_ip; i++) {
        is_ip = sqlite3_value_numeric_type(value[i]) == SQLITE_INTEGER;
        ip[i] = (uint64_t)sqlite3_value_int64(value[i]);
    }
    int error = need_symbols(s);
    if (error) {
        sqlite3_free(vtab->pVtab->zErrMsg);
        vtab->pVtab->zErrMsg = sqlite3_mprintf("%s", hak_store_message());
        return error == HAK_STORE_BROKEN ? SQLITE_CORRUPT : SQLITE_ERROR;
    }
    cursor->row = is_ip ? first_from(s, ip, false) : 0;
    cursor->end = is_ip ? first_from(s, ip, true) : s->rows;
    return SQLITE_OK;
}

static int step_symbols(sqlite3_vtab_cursor *vtab) {
    ((struct symbol_cursor *)vtab)->row++;
    return SQLITE_OK;
}

static int end_symbols(sqlite3_vtab_cursor *vtab) {
    const struct symbol_cursor *cursor = (const struct symbol_cursor *)vtab;
    return cursor->row >= cursor->end;
}

static int column_of_symbol(sqlite3_vtab_cursor *vtab, sqlite3_context *out, int column) {
    const struct hak_symbols *s = ((struct symbol_table *)vtab->pVtab)->symbols;
    if (column >= 0 && column < HAK_SYMBOL_COLUMNS)
        sqlite3_result_int64(out,
                             (sqlite3_int64)s->row[((struct symbol_cursor *)vtab)->row][column]);
    return SQLITE_OK;
}

bool hak_symbols_register(struct hak_symbols *symbols, sqlite3 *database) {
    static const sqlite3_module module = {.xCreate = connect_symbols,
                                          .xConnect = connect_symbols,
                                          .xDisconnect = disconnect_symbols,
                                          .xDestroy = disconnect_symbols,
                                          .xBestIndex = plan_symbols,
                                          .xOpen = open_symbols,
                                          .xClose = close_symbols,
                                          .xFilter = filter_symbols,
                                          .xNext = step_symbols,
                                          .xEof = end_symbols,
                                          .xColumn = column_of_symbol};
    return sqlite3_create_module(database, "hakmem_symbols", &module, symbols) == SQLITE_OK;
}

bool hak_symbols_replace(sqlite3 *database) {
    return sqlite3_exec(database,
                        "DROP TABLE symbol; CREATE VIRTUAL TABLE symbol USING hakmem_symbols()",
                        NULL, NULL, NULL) == SQLITE_OK;
}
