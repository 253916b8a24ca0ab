/* Helpers for tests with a worker that has a store: commit all that there is, and ask what is in
 * it. */
#ifndef HAK_TESTS_FAKE_WORKER_H
#define HAK_TESTS_FAKE_WORKER_H

#include <sqlite3.h>
#include "collector/worker/worker.h"
#include "fake_program.h"

/* The program and the worker of a test. */
static struct fake_program program;
static struct hak_worker worker;

static inline void begin_worker(void) {
    program = (struct fake_program){.memfd = -1};
    fake_directory(&program);
    fake_begin(&program, "t.db");
    ck_assert(hak_worker_make(&worker));
}
static inline void end_worker(void) {
    fake_clean(&program);
}

/* The worker hears of the program. */
static inline void add_program(uint32_t number) {
    struct hak_hello hello = fake_hello(&program);
    const char *why = hak_worker_add(&worker, number, &hello, getpid(), dup(program.memfd));
    ck_assert_msg(why == NULL, "%s", why);
}

/* Commits all that was written before the call, in as many turns as it takes. */
static inline void commit(void) {
    fake_let_pass();
    while (hak_worker_commit(&worker))
        continue;
}

/* The caller finalizes it. */
static inline sqlite3_stmt *query(const char *sql) {
    sqlite3_stmt *row;
    sqlite3 *database = hak_store_writer_database(worker.capture.writer)->connection;
    ck_assert_msg(sqlite3_prepare_v2(database, sql, -1, &row, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(database));
    return row;
}

/* The number in the first row and column, -1 where there is no row. */
static inline int64_t ask(const char *sql) {
    sqlite3_stmt *row = query(sql);
    int64_t value = sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_int64(row, 0) : -1;
    sqlite3_finalize(row);
    return value;
}

#endif
