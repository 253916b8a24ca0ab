/* Fetches whole tables of a capture into a database in memory, where asking costs more. */
#include "remote/kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/error.h"

enum { SMALL_BYTES = 64 << 10, MOST_BYTES = 256 << 20 };
enum { ASKED_BYTES = 32 << 10, ASKED_NARROW_BYTES = 16 << 10 }; /* for each question */

static const char reading_tables[] = "reading its tables";

/* ---- a table here -----------------------------------------------------------------------------
 */

static void declare_columns(sqlite3_str *sql, const struct hak_remote_table *t) {
    static const char *const types[] = {[HAK_REMOTE_NUMBER] = "INTEGER",
                                        [HAK_REMOTE_REAL] = "REAL",
                                        [HAK_REMOTE_TEXT] = "TEXT",
                                        [HAK_REMOTE_BYTES] = "BLOB"};
    for (int i = 0; i < t->columns; i++)
        sqlite3_str_appendf(sql, "%s\"%w\" %s", i ? ", " : "(", t->column[i].name,
                            types[t->column[i].type]);
    for (int i = 1; i <= t->keys; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i == 1 ? ", PRIMARY KEY(" : ", ",
                            hak_remote_key(t, i)->name);
    sqlite3_str_appendall(sql, "))");
}

static bool run_built(sqlite3 *database, sqlite3_str *sql) {
    char *text = sqlite3_str_finish(sql);
    bool is_done = text && sqlite3_exec(database, text, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(text);
    return is_done;
}

static bool make_table(sqlite3 *database, const struct hak_remote_table *t) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "DROP TABLE IF EXISTS \"%w\"; CREATE TABLE \"%w\"", t->name, t->name);
    declare_columns(sql, t);
    bool is_done = run_built(database, sql);
    for (int i = 0; i < t->indexes && is_done; i++) {
        sql = sqlite3_str_new(NULL);
        sqlite3_str_appendf(sql, "CREATE INDEX \"%w\" ON \"%w\"(", t->index[i].name, t->name);
        for (int k = 0; k < t->index[i].columns; k++)
            sqlite3_str_appendf(sql, "%s\"%w\"", k ? ", " : "",
                                t->column[t->index[i].column[k]].name);
        sqlite3_str_appendall(sql, ")");
        is_done = run_built(database, sql);
    }
    return is_done;
}

/* False: the value is none of the column's kind. */
static bool bind(sqlite3_stmt *row, int column, enum hak_remote_type type, const PGresult *rows,
                 int at) {
    const char *text = NULL;
    size_t bytes;
    uint64_t number;
    double real;
    switch (type) {
    case HAK_REMOTE_NUMBER:
        return hak_link_number(rows, at, column, &number) &&
               sqlite3_bind_int64(row, column + 1, (sqlite3_int64)number) == SQLITE_OK;
    case HAK_REMOTE_REAL:
        return hak_link_real(rows, at, column, &real) &&
               sqlite3_bind_double(row, column + 1, real) == SQLITE_OK;
    case HAK_REMOTE_TEXT:
        text = hak_link_text(rows, at, column, &bytes);
        return text &&
               sqlite3_bind_text(row, column + 1, text, (int)bytes, SQLITE_STATIC) == SQLITE_OK;
    case HAK_REMOTE_BYTES:
        text = hak_link_text(rows, at, column, &bytes);
        return text &&
               sqlite3_bind_blob(row, column + 1, text, (int)bytes, SQLITE_STATIC) == SQLITE_OK;
    }
    return false;
}

static bool insert_rows(sqlite3 *database, const struct hak_remote_table *t, const PGresult *rows) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_stmt *row = NULL;
    sqlite3_str_appendf(sql, "INSERT INTO \"%w\" VALUES", t->name);
    for (int i = 0; i < t->columns; i++)
        sqlite3_str_appendall(sql, i ? ",?" : "(?");
    sqlite3_str_appendall(sql, ")");
    char *text = sqlite3_str_finish(sql);
    bool is_done = text && sqlite3_prepare_v2(database, text, -1, &row, NULL) == SQLITE_OK;
    sqlite3_free(text);
    for (int at = 0; at < PQntuples(rows) && is_done; at++) {
        sqlite3_clear_bindings(row);
        for (int i = 0; i < t->columns && is_done; i++)
            is_done = PQgetisnull(rows, at, i) || bind(row, i, t->column[i].type, rows, at);
        is_done = is_done && sqlite3_step(row) == SQLITE_DONE && sqlite3_reset(row) == SQLITE_OK;
    }
    sqlite3_finalize(row);
    return is_done;
}

/* Into the database, or not at all (NULL: there are none): rows that a writer of the server made
 * up, and SQLite refuses, are left to the reader that asks for them. */
static int take_rows(struct hak_remote_kept *kept, const struct hak_remote_tables *tables, int at,
                     bool is_narrow, const PGresult *rows) {
    const struct hak_remote_table *t = &tables->table[at];
    if (!kept->database && sqlite3_open(":memory:", &kept->database) != SQLITE_OK)
        return hak_store_no_memory(t->name);
    bool is_done = (uint64_t)PQntuples(rows) <= kept->table[at].rows &&
                   sqlite3_exec(kept->database, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    is_done = is_done && make_table(kept->database, t) && insert_rows(kept->database, t, rows) &&
              sqlite3_exec(kept->database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!is_done)
        sqlite3_exec(kept->database, "ROLLBACK", NULL, NULL, NULL);
    if (is_narrow)
        kept->table[at].is_narrow = is_done;
    else
        kept->table[at].is_kept = is_done;
    kept->table[at].is_refused = !is_done;
    return 0;
}

/* ---- the server's -----------------------------------------------------------------------------
 */

enum part {
    ALL,
    NARROW, /* without the blobs */
    ONE     /* row, to see that there are some */
};

/* One row more than was pushed: with rows inserted by others, nothing is kept. To be freed. */
static char *sql_of(const struct hak_remote_table *t, uint64_t rows, enum part part) {
    char *text = NULL;
    size_t length;
    FILE *sql = open_memstream(&text, &length);
    if (!sql)
        return NULL;
    for (int i = 0; i < t->columns; i++) {
        bool is_left_out = part != ALL && t->column[i].type == HAK_REMOTE_BYTES;
        fprintf(sql, is_left_out ? "%sCAST(NULL AS BYTEA) AS \"%s\"" : "%s\"%s\"",
                i ? ", " : "SELECT ", t->column[i].name);
    }
    fprintf(sql,
            " FROM hakmem.\"c_%s\" WHERE capture = CAST($1 AS BIGINT) FETCH FIRST %llu ROWS ONLY",
            t->name, part == ONE ? 1ull : (unsigned long long)rows + 1);
    if (fclose(sql) == 0)
        return text;
    free(text);
    return NULL;
}

/* Fewer rows than were pushed are no answer: somebody removed them, or emptied the table, which
 * transactions that began before see, too. */
static int check_rows(const struct hak_remote_kept *kept, const struct hak_link *link,
                      const struct hak_remote_tables *tables, int at, enum part part,
                      const PGresult *rows) {
    uint64_t there = (uint64_t)PQntuples(rows), pushed = kept->table[at].rows;
    if (there >= (part == ONE && pushed ? 1 : pushed))
        return 0;
    return hak_store_fail(HAK_STORE_BROKEN,
                          "%s: capture %" PRIu64 " has %" PRIu64 " rows of table %s there, and "
                          "%" PRIu64 " were pushed; who keeps the server removes it, then push "
                          "again",
                          link->name, link->capture, there, tables->table[at].name, pushed);
}

struct wanted {
    int at; /* number of the table */
    enum part part;
};

/* In one way to the server and back. From here to the end of the transaction nobody empties these
 * tables or drops them: that waits. */
static int fetch_tables(struct hak_remote_kept *kept, struct hak_link *link,
                        const struct hak_remote_tables *tables, const struct wanted *wanted,
                        int count) {
    struct hak_link_question question[HAK_REMOTE_TABLES] = {0};
    PGresult *rows[HAK_REMOTE_TABLES] = {0};
    unsigned char id[8];
    struct hak_link_value value = {id, 8};
    int error = 0;
    hak_link_put(link->capture, id);
    for (int i = 0; i < count && !error; i++) {
        int at = wanted[i].at;
        question[i] = (struct hak_link_question){
            sql_of(&tables->table[at], kept->table[at].rows, wanted[i].part), &value, 1};
        error = question[i].sql ? 0 : hak_store_no_memory(link->name);
    }
    if (!error && count)
        error = hak_link_ask_all(link, question, count, reading_tables, rows);
    for (int i = 0; i < count; i++) {
        if (!error)
            error = check_rows(kept, link, tables, wanted[i].at, wanted[i].part, rows[i]);
        if (!error && wanted[i].part != ONE)
            error = take_rows(kept, tables, wanted[i].at, wanted[i].part == NARROW, rows[i]);
        PQclear(rows[i]);
        free(question[i].sql);
    }
    return error;
}

static int find_table(const struct hak_remote_tables *tables, const char *name, size_t bytes) {
    for (int i = 0; i < tables->tables && name; i++)
        if (strlen(tables->table[i].name) == bytes &&
            memcmp(tables->table[i].name, name, bytes) == 0)
            return i;
    return -1;
}

int hak_remote_keep_small(struct hak_remote_kept *kept, struct hak_link *link,
                          const struct hak_remote_tables *tables, const PGresult *sizes) {
    struct wanted wanted[HAK_REMOTE_TABLES];
    int count = 0;
    for (int row = 0; row < PQntuples(sizes); row++) {
        size_t length;
        const char *name = hak_link_text(sizes, row, 0, &length);
        int at = find_table(tables, name, length);
        if (at < 0)
            continue; /* of a later version */
        kept->table[at].is_known = true;
        kept->table[at].is_refused = /* below 0, too: a writer made it up */
            !hak_link_number(sizes, row, 1, &kept->table[at].rows) ||
            !hak_link_number(sizes, row, 2, &kept->table[at].bytes) ||
            kept->table[at].rows > MOST_BYTES || kept->table[at].bytes > MOST_BYTES;
    }
    int error = 0;
    for (int i = 0; i < tables->tables && !error; i++)
        if (!kept->table[i].is_known) /* no rows were pushed: a server laid out before has none */
            error = take_rows(kept, tables, i, false, NULL);
        else {
            bool is_small = !kept->table[i].is_refused && kept->table[i].bytes <= SMALL_BYTES &&
                            kept->table[i].rows <= SMALL_BYTES / 8;
            if (is_small || kept->table[i].rows <= INT64_MAX)
                wanted[count++] = (struct wanted){i, is_small ? ALL : ONE};
        }
    return error ? error : fetch_tables(kept, link, tables, wanted, count);
}

/* The bytes that a table's rows take on their way without its blobs; UINT64_MAX: not known, or it
 * has no blobs. */
static uint64_t narrow_bytes(const struct hak_remote_table *t, uint64_t rows) {
    uint64_t bytes = 0;
    bool has_blobs = false;
    for (int i = 0; i < t->columns; i++) {
        if (t->column[i].type == HAK_REMOTE_TEXT)
            return UINT64_MAX;
        has_blobs |= t->column[i].type == HAK_REMOTE_BYTES;
        bytes += t->column[i].type == HAK_REMOTE_BYTES ? 4 : 12;
    }
    return has_blobs ? rows * bytes : UINT64_MAX; /* rows: MOST_BYTES at most */
}

static bool is_worth_it(uint64_t bytes, uint64_t asked_bytes) {
    return bytes <= MOST_BYTES && bytes <= asked_bytes;
}

int hak_remote_keep_asked(struct hak_remote_kept *kept, struct hak_link *link,
                          const struct hak_remote_tables *tables, int at, bool wants_blobs) {
    uint64_t rows = kept->table[at].rows, bytes = kept->table[at].bytes + 16 * rows;
    unsigned asked = ++kept->table[at].asked;
    unsigned asked_narrow = kept->table[at].asked_narrow += !wants_blobs;
    bool may_fetch = kept->table[at].is_known && !kept->table[at].is_kept;
    may_fetch &= !kept->table[at].is_refused;
    int error = 0;
    if (may_fetch && is_worth_it(bytes, (uint64_t)asked * ASKED_BYTES))
        error = fetch_tables(kept, link, tables, &(struct wanted){at, ALL}, 1);
    else if (may_fetch && !wants_blobs && !kept->table[at].is_narrow &&
             is_worth_it(narrow_bytes(&tables->table[at], rows),
                         (uint64_t)asked_narrow * ASKED_NARROW_BYTES))
        error = fetch_tables(kept, link, tables, &(struct wanted){at, NARROW}, 1);
    if (error)
        return error;
    return kept->table[at].is_kept || (kept->table[at].is_narrow && !wants_blobs);
}

void hak_remote_kept_free(struct hak_remote_kept *kept) {
    sqlite3_close(kept->database);
    *kept = (struct hak_remote_kept){0};
}
