/* Asks a store many questions in one process, through the tables that hakmem-trace sql has:
 * `ask STORE newest|whole|alive < NUMBERS`. One line for each number: microseconds, rows.
 *
 *   newest   the newest 20 events of an address
 *   whole    all of them
 *   alive    every block that was alive at a time in ns */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "store/reader/reader.h"
#include "store/sql/sql.h"

static const struct {
    const char *name, *query;
} questions[] = {
    {"newest", "SELECT id, ns, kind, size, base, stack FROM event WHERE addr = ? ORDER BY id DESC "
               "LIMIT 20"},
    {"whole", "SELECT id, ns, kind, size, base, stack FROM event WHERE addr = ? ORDER BY id"},
    {"alive", "SELECT base, user, size, stack, birth FROM live WHERE at = ?"},
};

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int fail(const char *what) {
    fprintf(stderr, "ask: %s\n", what);
    return 1;
}

int main(int argc, char **argv) {
    const char *query = NULL;
    for (size_t i = 0; argc == 3 && i < sizeof questions / sizeof *questions; i++)
        if (strcmp(argv[2], questions[i].name) == 0)
            query = questions[i].query;
    struct hak_store_reader *reader;
    if (!query)
        return fail("usage: ask STORE newest|whole|alive < NUMBERS");
    if (hak_store_open(argv[1], &reader) != 0)
        return fail(hak_store_message());
    sqlite3 *database = hak_store_database(reader)->connection;
    sqlite3_stmt *statement;
    if (hak_store_add_tables(database) < 0 ||
        sqlite3_prepare_v2(database, query, -1, &statement, NULL) != SQLITE_OK)
        return fail(sqlite3_errmsg(database));
    char word[64];
    while (scanf("%63s", word) == 1) {
        double start = now_us();
        uint64_t rows = 0;
        int code;
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)strtoull(word, NULL, 0));
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
            rows++;
        sqlite3_reset(statement);
        if (code != SQLITE_DONE)
            return fail(sqlite3_errmsg(database));
        printf("%.1f %" PRIu64 "\n", now_us() - start, rows);
    }
    sqlite3_finalize(statement);
    hak_store_close(reader);
    return 0;
}
