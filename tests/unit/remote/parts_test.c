/* Rows of a store, cut into parts: all of them, in the order of keys, the same each time, and none
 * whose values are not what their column is for. */
#include "remote/parts.h"

#include <string.h>
#include "../suite.h"
#include "store/error.h"

enum { PART_ROWS = 65536, CAPTURE = 77, PARTS_MAX = 16 };

static sqlite3 *store;
static struct hak_remote_tables tables;

struct cut {
    int parts;
    uint64_t rows[PARTS_MAX], checksum[PARTS_MAX], so_far[PARTS_MAX], value_bytes[PARTS_MAX];
    char *data[PARTS_MAX];
    size_t bytes[PARTS_MAX];
    int end_at; /* of this part on `result` is returned */
    int result;
};

static void run(const char *sql) {
    ck_assert_msg(sqlite3_exec(store, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(store));
}

static void set_up(void) {
    ck_assert_int_eq(sqlite3_open(":memory:", &store), SQLITE_OK);
    run("CREATE TABLE a(id INTEGER PRIMARY KEY, name TEXT, real REAL, data BLOB)");
}

static void tear_down(void) {
    hak_remote_tables_free(&tables);
    ck_assert_int_eq(sqlite3_close(store), SQLITE_OK); /* no statement is left */
}

static int take(void *context, struct hak_remote_part *part) {
    struct cut *cut = context;
    int i = cut->parts++;
    ck_assert_int_lt(i, PARTS_MAX);
    ck_assert_uint_eq(part->number, (uint64_t)i);
    cut->rows[i] = part->rows;
    cut->checksum[i] = part->checksum;
    cut->so_far[i] = part->so_far;
    cut->value_bytes[i] = part->value_bytes;
    cut->data[i] = part->data; /* as copy.c keeps what it sends */
    cut->bytes[i] = part->bytes;
    part->data = NULL;
    return cut->result && cut->parts == cut->end_at ? cut->result : 0;
}

static int cut_all(struct cut *cut, uint64_t capture) {
    hak_remote_tables_free(&tables);
    ck_assert_int_eq(hak_remote_tables_read(store, &tables), 0);
    return hak_remote_cut(store, "some.db", &tables, capture, take, cut);
}

static void free_cut(struct cut *cut) {
    for (int i = 0; i < cut->parts; i++)
        free(cut->data[i]);
    *cut = (struct cut){0};
}

static void fill(int rows) {
    char sql[256];
    snprintf(sql, sizeof sql,
             "DELETE FROM a; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
             " i < %d) INSERT INTO a SELECT i, 'n' || i, i / 2.0, x'00' FROM n WHERE %d > 0",
             rows, rows);
    run(sql);
}

TEST(parts_end_where_they_are_full) {
    static const struct {
        int rows, parts;
    } all[] = {{0, 0},
               {1, 1},
               {PART_ROWS - 1, 1},
               {PART_ROWS, 1},
               {PART_ROWS + 1, 2},
               {2 * PART_ROWS + 5, 3}};
    struct cut cut = {0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        fill(all[i].rows);
        ck_assert_int_eq(cut_all(&cut, CAPTURE), 0);
        uint64_t rows = 0;
        for (int k = 0; k < cut.parts; k++)
            rows += cut.rows[k];
        ck_assert_int_eq(cut.parts, all[i].parts);
        ck_assert_uint_eq(rows, (uint64_t)all[i].rows);
        free_cut(&cut);
    }
}

TEST(a_part_is_what_copy_takes) {
    static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
    static const char row[] = "\0\5"                          /* values */
                              "\0\0\0\10\0\0\0\0\0\0\0\115"   /* the capture */
                              "\0\0\0\10\0\0\0\0\0\0\0\1"     /* id */
                              "\0\0\0\2n1"                    /* name */
                              "\0\0\0\10\077\340\0\0\0\0\0\0" /* real: 0.5 */
                              "\0\0\0\1\0"                    /* data */
                              "\377\377";                     /* the end */
    struct cut cut = {0};
    fill(1);
    ck_assert_int_eq(cut_all(&cut, CAPTURE), 0);
    ck_assert_int_eq(cut.parts, 1);
    ck_assert_uint_eq(cut.bytes[0], sizeof head - 1 + sizeof row - 1);
    ck_assert_int_eq(memcmp(cut.data[0], head, sizeof head - 1), 0);
    ck_assert_int_eq(memcmp(cut.data[0] + sizeof head - 1, row, sizeof row - 1), 0);
    ck_assert_uint_eq(cut.value_bytes[0], 8 + 8 + 2 + 8 + 1);
    free_cut(&cut);
}

TEST(hashes_are_of_the_rows_alone) {
    struct cut one = {0}, other = {0};
    fill(PART_ROWS + 1);
    ck_assert_int_eq(cut_all(&one, 1), 0);
    ck_assert_int_eq(cut_all(&other, CAPTURE), 0); /* the same rows, as another capture */
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(one.checksum[i], other.checksum[i]);
        ck_assert_uint_eq(one.so_far[i], other.so_far[i]);
    }
    free_cut(&other);
    run("UPDATE a SET name = 'N1' WHERE id = 1"); /* in the first part */
    ck_assert_int_eq(cut_all(&other, 1), 0);
    ck_assert_uint_ne(one.checksum[0], other.checksum[0]);
    ck_assert_uint_eq(one.checksum[1], other.checksum[1]);
    ck_assert_uint_ne(one.so_far[1], other.so_far[1]);
    free_cut(&other);
    free_cut(&one);
    /* Where a value ends counts, and that it is NULL. */
    static const char *const alike[] = {"INSERT INTO a VALUES(1, 'ab', NULL, x'')",
                                        "INSERT INTO a VALUES(1, 'a', NULL, x'62')",
                                        "INSERT INTO a VALUES(1, '', NULL, x'6162')",
                                        "INSERT INTO a VALUES(1, NULL, NULL, x'6162')",
                                        "INSERT INTO a VALUES(1, 'ab', NULL, NULL)",
                                        "INSERT INTO a VALUES(1, 'ab', 0, x'')"};
    enum { ALIKE = sizeof alike / sizeof *alike };
    uint64_t hash[ALIKE];
    for (int i = 0; i < ALIKE; i++) {
        run("DELETE FROM a");
        run(alike[i]);
        ck_assert_int_eq(cut_all(&one, 1), 0);
        hash[i] = one.checksum[0];
        free_cut(&one);
        for (int k = 0; k < i; k++)
            ck_assert_msg(hash[i] != hash[k], "%s and %s", alike[i], alike[k]);
    }
}

TEST(rows_come_by_their_key) {
    struct cut cut = {0};
    run("CREATE TABLE b(x INTEGER, y INTEGER, PRIMARY KEY(y, x)) WITHOUT ROWID");
    run("INSERT INTO b VALUES(2, 1), (1, 2), (1, 1)");
    ck_assert_int_eq(cut_all(&cut, CAPTURE), 0);
    ck_assert_int_eq(cut.parts, 1); /* an empty table has none */
    uint64_t before = cut.checksum[0];
    free_cut(&cut);
    run("DELETE FROM b");
    run("INSERT INTO b VALUES(1, 1), (1, 2), (2, 1)");
    ck_assert_int_eq(cut_all(&cut, CAPTURE), 0);
    ck_assert_uint_eq(cut.checksum[0], before);
    free_cut(&cut);
}

TEST(a_value_of_another_kind_is_damage) {
    static const char *const rows[] = {"INSERT INTO a VALUES(1, 'n', 'no real', x'')",
                                       "INSERT INTO a VALUES(1, 'n', x'00', x'')"};
    struct cut cut = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        run("DELETE FROM a");
        run(rows[i]);
        ck_assert_int_eq(cut_all(&cut, CAPTURE), HAK_STORE_BROKEN);
        ck_assert_ptr_nonnull(strstr(hak_store_message(), "some.db: table a, column real "));
        ck_assert_int_eq(cut.parts, 0);
    }
    run("DELETE FROM a; CREATE TABLE b(id INTEGER PRIMARY KEY, n INTEGER);"
        "INSERT INTO b VALUES(1, 'no number')");
    ck_assert_int_eq(cut_all(&cut, CAPTURE), HAK_STORE_BROKEN);
    ck_assert_ptr_nonnull(strstr(hak_store_message(), "table b, column n "));
}

TEST(who_takes_parts_ends_the_cutting) {
    struct cut cut = {.end_at = 2, .result = HAK_STORE_FULL};
    fill(3 * PART_ROWS);
    ck_assert_int_eq(cut_all(&cut, CAPTURE), HAK_STORE_FULL);
    ck_assert_int_eq(cut.parts, 2);
    free_cut(&cut);
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
