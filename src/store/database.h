/* A connection to the file of a store, as every room gets it: queries, and errors that name the
 * file. The opener owns the connection, the path and the kept statements, and outlives every copy.
 * For one thread. */
#ifndef HAK_STORE_DATABASE_H
#define HAK_STORE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct hak_database {
    sqlite3 *connection;
    char *path;                  /* for messages */
    struct hak_statements *kept; /* for the next query of the same text; NULL = none */
};

/* Keeps statements from now on. 0 or an error. */
int hak_database_keep(struct hak_database *db);
/* Gives back the statements that no query has: SQLite closes a connection, and ends its log, only
 * when none is left. */
void hak_database_release(const struct hak_database *db);
/* Frees all kept statements, as hak_database_release, and keeps none any more. */
void hak_database_free(struct hak_database *db);

/* One state of a store that is being written, until hak_database_end_reading gets what this
 * returned: whether the transaction is the caller's. It never is while the connection writes: a
 * transaction that began then could not be ended. Many small queries are faster in one: each
 * alone locks the file. */
bool hak_database_begin_reading(const struct hak_database *db);
void hak_database_end_reading(const struct hak_database *db, bool is_own);

/* The error for what SQLite just answered, with its line: `doing` says what was tried. */
int hak_database_fail(const struct hak_database *db, const char *doing);

/* A query, from its text to its last row:
 *
 *   struct hak_query q = hak_ask(db, "SELECT id, name FROM thread WHERE process = ?1",
 *                                "reading threads", process);
 *   while (hak_query_next(&q))
 *       use(hak_query_number(&q, 0), hak_query_text(&q, 1));
 *   return hak_query_end(&q);
 *
 * The numbers behind `doing` are bound to ?1, ?2 and so on. An error (of preparing, too) ends the
 * rows; the end returns it. The caller ends the query, also before its last row. */
struct hak_query {
    const struct hak_database *db;
    sqlite3_stmt *statement; /* NULL = not prepared */
    const char *doing;
    int error;
};
#define hak_ask(db, sql, doing, ...)                                                               \
    hak_ask_with(db, sql, doing, (const uint64_t[]){0, __VA_ARGS__},                               \
                 (int)(sizeof(uint64_t[]){0, __VA_ARGS__} / sizeof(uint64_t)) - 1)
/* Asks a query with `count` numbers, which begin at index 1. */
struct hak_query hak_ask_with(const struct hak_database *db, const char *sql, const char *doing,
                              const uint64_t *numbers, int count);
/* Binds a text, which stays until the end of the query. */
void hak_query_bind_text(struct hak_query *q, int at, const char *text);
/* Steps to the next row, whose columns are there until the next call. False: there is none, or an
 * error, which hak_query_end tells. */
bool hak_query_next(struct hak_query *q);
/* Begins anew, with the values that are bound then. */
void hak_query_again(struct hak_query *q);
/* Ends the query and keeps its statement for another. 0, or the error that ended the rows. */
int hak_query_end(struct hak_query *q);

static inline uint64_t hak_query_number(const struct hak_query *q, int column) {
    return (uint64_t)sqlite3_column_int64(q->statement, column);
}
/* A row id or another number of 32 bits. */
static inline uint32_t hak_query_id(const struct hak_query *q, int column) {
    return (uint32_t)sqlite3_column_int64(q->statement, column);
}
/* A number that is never below 0 in a store that hakmem wrote; 0 where it is. */
static inline uint64_t hak_query_count(const struct hak_query *q, int column) {
    sqlite3_int64 value = sqlite3_column_int64(q->statement, column);
    return value > 0 ? (uint64_t)value : 0;
}
/* "" where there is none. */
static inline const char *hak_query_text(const struct hak_query *q, int column) {
    const unsigned char *text = sqlite3_column_text(q->statement, column);
    return text ? (const char *)text : "";
}

/* Runs statements without values. 0 or an error. */
int hak_database_run(const struct hak_database *db, const char *sql, const char *doing);
/* A value for a statement. */
struct hak_value {
    enum { HAK_IS_NUMBER, HAK_IS_TEXT, HAK_IS_BYTES } kind;
    uint64_t number; /* or the length of bytes */
    const void *data;
};
/* clang-format off */
#define HAK_NUMBER(x)        {HAK_IS_NUMBER, (uint64_t)(x), NULL}
#define HAK_TEXT(x)          {HAK_IS_TEXT, 0, x} /* NULL = "" */
#define HAK_BYTES(x, length) {HAK_IS_BYTES, length, x}
/* clang-format on */
#define hak_do(db, sql, doing, ...)                                                                \
    hak_do_with(db, sql, doing, (const struct hak_value[]){__VA_ARGS__},                           \
                (int)(sizeof((const struct hak_value[]){__VA_ARGS__}) / sizeof(struct hak_value)))

/* Runs a statement without rows, `values` bound to ?1, ?2 and so on. 0, or an error. */
int hak_do_with(const struct hak_database *db, const char *sql, const char *doing,
                const struct hak_value *values, int count);

/* Reads the first row of a query of numbers, ?1 being `argument`, as `count` values (0 where there
 * is none): 1 found, 0 no row, or an error. */
int hak_database_numbers(const struct hak_database *db, const char *sql, uint64_t argument,
                         uint64_t *values, int count);
/* Reads the first column of the first row; 0 where there is no row, or it cannot be read. */
uint64_t hak_database_number(const struct hak_database *db, const char *sql, uint64_t argument);
/* The same for a text, as a copy that the caller frees; NULL where there is none. */
char *hak_database_text(const struct hak_database *db, const char *sql, uint64_t argument);
/* Whether the store has this table (or view, or index): stores of earlier versions lack some. */
bool hak_database_has_table(const struct hak_database *db, const char *table);
/* A copy of the value that the store has under this name, which the caller frees; NULL = none. */
char *hak_database_meta(const struct hak_database *db, const char *key);
/* The same of a number; 0 where there is none. */
uint64_t hak_database_meta_number(const struct hak_database *db, const char *key);

#endif
