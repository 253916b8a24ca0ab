/* A connection to the file of a store, as every room gets it: statements, and errors that name the
 * file. Whoever opened the connection owns it and the path, and outlives all who have a copy. For
 * one thread. */
#ifndef HAK_STORE_DATABASE_H
#define HAK_STORE_DATABASE_H

#include <sqlite3.h>
#include <stdint.h>

struct hak_database {
    sqlite3 *connection;
    char *path; /* for messages */
};

/* The error for what SQLite just answered, with its line: `doing` says what was tried. */
int hak_database_fail(const struct hak_database *db, const char *doing);

/* The statement in `kept`, prepared from `sql` at the first call; NULL on an error (the message is
 * set). Its owner finalizes it. */
sqlite3_stmt *hak_database_keep(const struct hak_database *db, sqlite3_stmt **kept, const char *sql,
                                const char *doing);
/* Runs a statement that gives no rows and has its values bound, and makes it ready for the next. */
int hak_database_run(const struct hak_database *db, sqlite3_stmt *statement, const char *doing);

/* The first row of a query of numbers, ?1 being `argument`, as `count` values (0 where there is
 * none): 1 found, 0 no row, or an error. */
int hak_database_numbers(const struct hak_database *db, const char *sql, uint64_t argument,
                         uint64_t *values, int count);

#endif
