/* The tables of a store as the server has them: names that may stand in SQL, keys, indexes, and
 * statements that make what is missing. */
#include "remote/tables.h"

#include <stdlib.h>
#include <string.h>
#include "../suite.h"
#include "store/error.h"

static sqlite3 *store;
static struct hak_remote_tables tables;

static void run(const char *sql) {
    ck_assert_msg(sqlite3_exec(store, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(store));
}

static void set_up(void) {
    ck_assert_int_eq(sqlite3_open(":memory:", &store), SQLITE_OK);
}

static void tear_down(void) {
    hak_remote_tables_free(&tables);
    ck_assert_int_eq(sqlite3_close(store), SQLITE_OK);
}

TEST(types_keys_and_indexes_are_those_of_the_file) {
    run("CREATE TABLE b(x INTEGER, y TEXT, z REAL, d BLOB, PRIMARY KEY(y, x)) WITHOUT ROWID;"
        "CREATE INDEX b_by_z ON b(z, x); CREATE INDEX b_some ON b(d) WHERE x = 1;"
        "CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE VIEW v AS SELECT * FROM a");
    ck_assert_int_eq(hak_remote_tables_read(store, &tables), 0);
    ck_assert_int_eq(tables.tables, 2); /* by name, without the view */
    const struct hak_remote_table *b = &tables.table[1];
    ck_assert_str_eq(tables.table[0].name, "a");
    ck_assert_str_eq(b->name, "b");
    ck_assert_int_eq(b->columns, 4);
    ck_assert_int_eq(b->keys, 2);
    ck_assert_str_eq(hak_remote_key(b, 1)->name, "y");
    ck_assert_str_eq(hak_remote_key(b, 2)->name, "x");
    ck_assert_int_eq(b->column[0].type, HAK_REMOTE_NUMBER);
    ck_assert_int_eq(b->column[1].type, HAK_REMOTE_TEXT);
    ck_assert_int_eq(b->column[2].type, HAK_REMOTE_REAL);
    ck_assert_int_eq(b->column[3].type, HAK_REMOTE_BYTES);
    ck_assert_int_eq(b->indexes, 1); /* not the one of some rows */
    ck_assert_str_eq(b->index[0].name, "b_by_z");
    ck_assert_int_eq(b->index[0].columns, 2);
    ck_assert_int_eq(b->index[0].column[0], 2);
    ck_assert_int_eq(b->index[0].column[1], 0);
}

/* A store from elsewhere may have any name: none comes into SQL of the server. */
TEST(a_name_that_is_none_is_refused) {
    static const char *const layouts[] = {
        "CREATE TABLE \"a; DROP TABLE b\"(id INTEGER PRIMARY KEY)",
        "CREATE TABLE \"A\"(id INTEGER PRIMARY KEY)",
        "CREATE TABLE \"\"(id INTEGER PRIMARY KEY)",
        "CREATE TABLE a(\"i\"\"d\" INTEGER PRIMARY KEY)",
        "CREATE TABLE a(\"i d\" INTEGER PRIMARY KEY)",
        "CREATE TABLE a23456789012345678901234567890(id INTEGER PRIMARY KEY)",
        "CREATE TABLE a(id INTEGER)", /* without a key the order of its rows is open */
    };
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        run(layouts[i]);
        ck_assert_msg(hak_remote_tables_read(store, &tables) != 0, "%s", layouts[i]);
        tear_down();
        set_up();
    }
}

TEST(more_than_there_is_room_for_is_refused) {
    char sql[64];
    run("CREATE TABLE a(id INTEGER PRIMARY KEY)");
    for (int i = 1; i < HAK_REMOTE_COLUMNS; i++) {
        snprintf(sql, sizeof sql, "ALTER TABLE a ADD COLUMN c%d INTEGER", i);
        run(sql);
    }
    ck_assert_int_eq(hak_remote_tables_read(store, &tables), 0);
    ck_assert_int_eq(tables.table[0].columns, HAK_REMOTE_COLUMNS);
    hak_remote_tables_free(&tables);
    run("ALTER TABLE a ADD COLUMN more INTEGER");
    ck_assert_int_ne(hak_remote_tables_read(store, &tables), 0);
    hak_remote_tables_free(&tables);
    run("DROP TABLE a");
    for (int i = 0; i < HAK_REMOTE_TABLES; i++) {
        snprintf(sql, sizeof sql, "CREATE TABLE t%d(id INTEGER PRIMARY KEY)", i);
        run(sql);
    }
    ck_assert_int_eq(hak_remote_tables_read(store, &tables), 0);
    ck_assert_int_eq(tables.tables, HAK_REMOTE_TABLES);
    hak_remote_tables_free(&tables);
    run("CREATE TABLE more(id INTEGER PRIMARY KEY)");
    ck_assert_int_ne(hak_remote_tables_read(store, &tables), 0);
}

static char *statements(void) {
    char *text = NULL;
    size_t bytes;
    FILE *sql = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(sql);
    hak_remote_tables_add(sql, &tables);
    ck_assert_int_eq(fclose(sql), 0);
    return text;
}

TEST(statements_can_be_typed_again) {
    run("CREATE TABLE b(x INTEGER, y TEXT, d BLOB, PRIMARY KEY(y, x)) WITHOUT ROWID;"
        "CREATE INDEX b_by_x ON b(x)");
    ck_assert_int_eq(hak_remote_tables_read(store, &tables), 0);
    char *text = statements();
    ck_assert_ptr_nonnull(strstr(text, "hakmem.\"c_b\""));
    ck_assert_ptr_nonnull(strstr(text, "PRIMARY KEY(capture, \"y\", \"x\")"));
    for (const char *at = text; (at = strstr(at, "CREATE ")) != NULL; at++)
        ck_assert_msg(strstr(at, "IF NOT EXISTS") && strstr(at, "IF NOT EXISTS") - at < 24, "%.80s",
                      at);
    for (const char *at = text; (at = strstr(at, "ADD COLUMN ")) != NULL; at++)
        ck_assert_msg(strncmp(at + 11, "IF NOT EXISTS", 13) == 0, "%.80s", at);
    free(text);
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
