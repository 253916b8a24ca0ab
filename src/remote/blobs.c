/* Fetches blobs from the server, several in one question: those that the running statement lists by
 * their keys, or the rows behind one that was just asked for. */
#include "remote/blobs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "store/error.h"

/* Rows of one question, and bytes of them where they are large. */
enum { ROWS = 32, MOST_BYTES = 4 << 20 };

static const char reading_rows[] = "reading rows";

struct keys {
    sqlite3_int64 key[ROWS];
    int count;
};

static bool has(const struct keys *keys, sqlite3_int64 key) {
    for (int i = 0; i < keys->count; i++)
        if (keys->key[i] == key)
            return true;
    return false;
}

/* ---- which blobs ------------------------------------------------------------------------------
 */

/* How many rows to ask for at once: as many as MOST_BYTES hold of the table's mean, 1 to ROWS. */
static int rows_at_once(const struct hak_blobs *b, int table) {
    uint64_t rows = b->image->table[table].rows, bytes = b->image->table[table].bytes;
    uint64_t each = bytes > INT64_MAX ? MOST_BYTES : rows ? bytes / rows + 1 : 1; /* made up */
    uint64_t most = MOST_BYTES / each;
    return most < 1 ? 1 : most > ROWS ? ROWS : (int)most;
}

/* The keys of the table's rows that meet the condition, as a prepared statement. NULL without
 * memory. */
static sqlite3_stmt *keys_of(const struct hak_blobs *b, int table, const char *condition) {
    const struct hak_remote_table *t = &b->tables->table[table];
    const char *key = hak_remote_key(t, 1)->name;
    sqlite3_stmt *rows = NULL;
    char *sql = sqlite3_mprintf("SELECT \"%w\" FROM main.\"%w\" WHERE \"%w\" %s", key, t->name, key,
                                condition);
    if (sql)
        (void)sqlite3_prepare_v2(b->database, sql, -1, &rows, NULL);
    sqlite3_free(sql);
    return rows;
}

/* The list of keys "(1, 5, 9)" in a statement that reads the table, with its values; NULL = none.
 * To be freed by sqlite3_free; `*list` points into it. */
static char *find_list(const struct hak_blobs *b, int table, const char **list) {
    const char *name = b->tables->table[table].name;
    for (sqlite3_stmt *s = sqlite3_next_stmt(b->database, NULL); s;
         s = sqlite3_next_stmt(b->database, s)) {
        const char *sql = sqlite3_stmt_busy(s) ? sqlite3_sql(s) : NULL;
        const char *from = sql ? strstr(sql, name) : NULL;
        if (!from || !strstr(from, " IN ("))
            continue;
        char *text = sqlite3_expanded_sql(s);
        from = text ? strstr(text, name) : NULL;
        *list = from ? strstr(from, " IN (") : NULL;
        if (*list) {
            *list += 5;
            return text;
        }
        sqlite3_free(text);
    }
    return NULL;
}

/* Adds the keys that the statement lists, so that all of them are asked for at once. */
static void add_listed(const struct hak_blobs *b, int table, struct keys *keys) {
    const char *at = NULL;
    char *text = find_list(b, table, &at), *end = NULL;
    sqlite3_stmt *row = text ? keys_of(b, table, "= ?1") : NULL;
    while (row && keys->count < rows_at_once(b, table)) {
        sqlite3_int64 key = strtoll(at, &end, 10);
        if (end == at)
            break;
        sqlite3_bind_int64(row, 1, key);
        if (!has(keys, key) && sqlite3_step(row) == SQLITE_ROW &&
            !hak_cache_has(b->cache, table, key))
            keys->key[keys->count++] = key;
        sqlite3_reset(row);
        at = end + strspn(end, ", ");
    }
    sqlite3_finalize(row);
    sqlite3_free(text);
}

/* Adds the keys that follow: rows that are read one behind the other come 2, 4, 8, ... at once. */
static void add_following(struct hak_blobs *b, int table, struct keys *keys) {
    bool goes_on = b->table[table].at_once && b->table[table].next == keys->key[0];
    int wanted = goes_on ? 2 * b->table[table].at_once : 1;
    wanted = wanted < rows_at_once(b, table) ? wanted : rows_at_once(b, table);
    sqlite3_stmt *rows = keys_of(b, table, "> ?1 ORDER BY 1");
    b->table[table].at_once = wanted;
    b->table[table].next = keys->key[0];
    if (!rows)
        return;
    sqlite3_bind_int64(rows, 1, keys->key[0]);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        b->table[table].next = sqlite3_column_int64(rows, 0);
        if (keys->count == wanted)
            break;
        if (!hak_cache_has(b->cache, table, b->table[table].next))
            keys->key[keys->count++] = b->table[table].next;
    }
    sqlite3_finalize(rows);
}

/* ---- from the server --------------------------------------------------------------------------
 */

enum { ARRAY_HEAD = 20, ARRAY_EACH = 12 };

/* Writes the keys as the server's array of one dimension; returns its bytes. */
static int put_keys(const struct keys *keys, unsigned char *out) {
    static const unsigned char head[ARRAY_HEAD] = {[3] = 1, [11] = HAK_LINK_INT8, [19] = 1};
    memcpy(out, head, sizeof head);
    out[15] = (unsigned char)keys->count;
    for (int i = 0; i < keys->count; i++) {
        unsigned char *to = out + ARRAY_HEAD + i * ARRAY_EACH;
        memcpy(to, (unsigned char[4]){0, 0, 0, 8}, 4);
        hak_link_put((uint64_t)keys->key[i], to + 4);
    }
    return ARRAY_HEAD + keys->count * ARRAY_EACH;
}

/* Asks the server for the blobs with these keys. NULL, and `*error`: it failed. */
static PGresult *ask(const struct hak_blobs *b, int table, const struct keys *keys, int *error) {
    const struct hak_remote_table *t = &b->tables->table[table];
    const char *key = hak_remote_key(t, 1)->name;
    unsigned char id[8], list[ARRAY_HEAD + ROWS * ARRAY_EACH];
    char sql[256];
    hak_link_put(b->link->capture, id);
    const struct hak_link_value values[] = {{id, 8}, {list, put_keys(keys, list)}};
    snprintf(sql, sizeof sql,
             "SELECT \"%s\", \"%s\" FROM hakmem.\"c_%s\" WHERE capture = CAST($1 AS BIGINT)"
             " AND \"%s\" = ANY(CAST($2 AS BIGINT[]))",
             key, t->column[b->image->table[table].blob].name, t->name, key);
    return hak_link_ask(b->link, sql, values, 2, reading_rows, error);
}

/* An error: the server lacks a row that was pushed. */
static int fail_missing(const struct hak_blobs *b, int table) {
    return hak_store_fail(HAK_STORE_BROKEN,
                          "%s: capture %" PRIu64 " lacks a row of table %s there that was pushed; "
                          "who keeps the server removes it, then push again",
                          b->link->name, b->link->capture, b->tables->table[table].name);
}

/* Keeps the rows of an answer in the cache, and gives the one of the first key to the statement. 0,
 * or an error of a cell or of a key that is not there. */
static int return_value(const struct hak_blobs *b, int table, const struct keys *keys,
                        const PGresult *rows, sqlite3_context *out) {
    bool is_there = false, is_right = true;
    for (int i = 0; i < PQntuples(rows); i++) {
        uint64_t key;
        size_t bytes;
        const char *data = hak_link_text(rows, i, 1, &bytes);
        bool is_null = PQgetisnull(rows, i, 1);
        is_right = hak_link_number(rows, i, 0, &key) && (data || is_null);
        if (!is_right)
            break;
        if (data)
            hak_cache_put(b->cache, table, (sqlite3_int64)key, data, bytes);
        if ((sqlite3_int64)key != keys->key[0])
            continue;
        is_there = true;
        if (data)
            sqlite3_result_blob64(out, data, bytes, SQLITE_TRANSIENT);
    }
    if (!is_right)
        return hak_link_fail_cell(b->link, reading_rows);
    return is_there ? 0 : fail_missing(b, table);
}

/* The SQL function of the views: a row's blob from the cache, else asked of the server together
 * with those that come next. */
static void fetch(sqlite3_context *out, int count, sqlite3_value **arguments) {
    struct hak_blobs *b = sqlite3_user_data(out);
    int table = count == 2 ? sqlite3_value_int(arguments[0]) : -1;
    struct keys keys = {.count = 1};
    size_t bytes;
    int error;
    if (table < 0 || table >= b->tables->tables || b->image->table[table].blob < 0 ||
        sqlite3_value_type(arguments[1]) != SQLITE_INTEGER)
        return; /* NULL */
    keys.key[0] = sqlite3_value_int64(arguments[1]);
    void *data = hak_cache_get(b->cache, table, keys.key[0], &bytes);
    if (data) {
        sqlite3_result_blob64(out, data, bytes, sqlite3_free);
        return;
    }
    add_listed(b, table, &keys);
    if (keys.count == 1)
        add_following(b, table, &keys);
    PGresult *rows = ask(b, table, &keys, &error);
    if (rows)
        error = return_value(b, table, &keys, rows, out);
    PQclear(rows);
    if (error) {
        sqlite3_result_error(out, hak_store_message(), -1);
        sqlite3_result_error_code(out, error == HAK_STORE_BROKEN ? SQLITE_CORRUPT : SQLITE_ERROR);
    }
}

/* ---- the views --------------------------------------------------------------------------------
 */

/* Adds the column that fetches a blob; the second SELECT, without rows, gives it the type that it
 * has in the file. */
static void add_blob(sqlite3_str *sql, const struct hak_remote_table *t, int table, int blob) {
    sqlite3_str_appendf(sql,
                        "(SELECT hakmem_fetch(%d, \"%w\") UNION ALL SELECT \"%w\" FROM main.\"%w\""
                        " WHERE 0) AS \"%w\"",
                        table, hak_remote_key(t, 1)->name, t->column[blob].name, t->name,
                        t->column[blob].name);
}

/* Lays a view over the table, in which the blob is fetched when it is read. False: no memory or an
 * error. */
static bool add_view(const struct hak_blobs *b, int table) {
    const struct hak_remote_table *t = &b->tables->table[table];
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "CREATE TEMP VIEW \"%w\" AS SELECT ", t->name);
    for (int i = 0; i < t->columns; i++) {
        sqlite3_str_appendall(sql, i ? ", " : "");
        if (i == b->image->table[table].blob)
            add_blob(sql, t, table, i);
        else
            sqlite3_str_appendf(sql, "\"%w\"", t->column[i].name);
    }
    sqlite3_str_appendf(sql, " FROM main.\"%w\"", t->name);
    char *text = sqlite3_str_finish(sql);
    bool is_done = text && sqlite3_exec(b->database, text, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(text);
    return is_done;
}

static void end_blobs(void *context) {
    const struct hak_blobs *b = context;
    b->end(b->context);
}

/* Adds the function that fetches blobs and the views that call it; false: SQLite failed. Not
 * SQLITE_DETERMINISTIC, as SQLite may call such a function for a key before it knows that there is
 * a row of it. */
bool hak_blobs_add(struct hak_blobs *b) {
    bool is_done = sqlite3_create_function_v2(b->database, "hakmem_fetch", 2, SQLITE_UTF8, b, fetch,
                                              NULL, NULL, end_blobs) == SQLITE_OK;
    for (int i = 0; is_done && i < b->tables->tables; i++) /* else `b` is gone */
        if (b->image->table[i].blob >= 0)
            is_done = add_view(b, i);
    return is_done;
}
