/* Fetched values in memory and behind a file's database: kept from one opening to the next, for one
 * capture alone, and without a place for the file as well. */
#include "remote/cache.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../suite.h"

static char folder[] = "/tmp/hakmem-cache.XXXXXX";
static struct hak_cache cache;

/* Begins the file of an opened cache, if it is empty, with a small database. */
static void begin_file(struct hak_cache *in) {
    sqlite3 *database;
    sqlite3_int64 bytes;
    ck_assert_int_eq(sqlite3_open(":memory:", &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, "CREATE TABLE t(a)", NULL, NULL, NULL), SQLITE_OK);
    void *data = sqlite3_serialize(database, "main", &bytes, 0);
    if (!in->database)
        hak_cache_put_database(in, data, (size_t)bytes);
    sqlite3_free(data);
    sqlite3_close(database);
}

static void set_up(void) {
    memcpy(strrchr(folder, '.') + 1, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", folder, 1), 0);
    hak_cache_open(&cache, "the first");
    begin_file(&cache);
}

static void tear_down(void) {
    char command[128];
    hak_cache_close(&cache);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void open_again(const char *identity) {
    hak_cache_close(&cache);
    hak_cache_open(&cache, identity);
    begin_file(&cache);
}

/* `due` NULL: it is not there. */
static void expect(int64_t kind, int64_t key, const char *due) {
    size_t bytes = 0;
    char *data = hak_cache_get(&cache, kind, key, &bytes);
    ck_assert_int_eq(data != NULL, due != NULL);
    ck_assert_int_eq(hak_cache_has(&cache, kind, key), due != NULL);
    if (due)
        ck_assert(bytes == strlen(due) && memcmp(data, due, bytes) == 0);
    sqlite3_free(data);
}

static void put(int64_t kind, int64_t key, const char *text) {
    hak_cache_put(&cache, kind, key, text, strlen(text));
}

TEST(a_value_is_there_now_and_at_the_next_opening) {
    put(1, 7, "seven");
    put(3, INT64_MAX, "");
    for (int i = 0; i < 2; i++) {
        expect(1, 7, "seven");
        expect(3, INT64_MAX, "");
        expect(1, 8, NULL);
        expect(2, 7, NULL);
        open_again("the first");
    }
}

TEST(a_file_is_of_one_identity) {
    put(1, 7, "seven");
    open_again("the second");
    expect(1, 7, NULL);
    put(1, 7, "another");
    open_again("the first");
    expect(1, 7, "seven");
}

TEST(two_openings_at_once_share_a_file) {
    struct hak_cache other;
    size_t bytes;
    hak_cache_open(&other, "the first");
    put(1, 7, "seven");
    hak_cache_put(&other, 1, 8, "eight", 5);
    hak_cache_put(&other, 1, 7, "seven", 5);
    hak_cache_close(&other);
    expect(1, 8, "eight");
    open_again("the first");
    expect(1, 7, "seven");
    hak_cache_open(&other, "the first");
    char *data = hak_cache_get(&other, 1, 7, &bytes);
    ck_assert_ptr_nonnull(data);
    sqlite3_free(data);
    hak_cache_close(&other);
}

TEST(many_large_values_lie_in_the_file_before_the_end) {
    enum { BYTES = 1 << 20, VALUES = 20 };
    char *data = malloc(BYTES);
    size_t bytes;
    for (int i = 0; i < VALUES; i++) {
        memset(data, 'a' + i, BYTES);
        hak_cache_put(&cache, 1, i, data, BYTES);
        ck_assert_int_eq(cache.here.fd, -1);
    }
    struct stat about;
    ck_assert_int_eq(stat(cache.path, &about), 0);
    ck_assert_int_gt(about.st_size, 10 * BYTES);
    ck_assert_int_eq(about.st_mode & 07777, 0600);
    for (int i = 0; i < VALUES; i++) {
        char *got = hak_cache_get(&cache, 1, i, &bytes);
        ck_assert(got && bytes == BYTES && got[0] == 'a' + i && got[BYTES - 1] == 'a' + i);
        sqlite3_free(got);
    }
    free(data);
}

TEST(the_database_is_there_at_the_next_opening) {
    ck_assert_ptr_null(cache.database);
    open_again("the first");
    ck_assert_ptr_nonnull(cache.database);
    ck_assert(cache.database_bytes && memcmp(cache.database, "SQLite format 3", 16) == 0);
    sqlite3 *database;
    sqlite3_stmt *rows;
    ck_assert_int_eq(sqlite3_open(cache.path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(database, "SELECT count(*) FROM t", -1, &rows, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    sqlite3_finalize(rows);
    sqlite3_close(database);
}

TEST(values_are_there_at_once_and_at_the_next_opening) {
    put(1, 7, "seven");
    put(1, 8, "eight");
    expect(1, 7, "seven");
    open_again("the first");
    expect(1, 7, "seven");
    expect(1, 8, "eight");
}

TEST(a_file_that_is_full_stays_and_values_stay_in_memory) {
    enum { BYTES = 1 << 20, VALUES = 20 };
    char *data = calloc(1, BYTES);
    put(1, -1, "before");
    struct rlimit before, limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){4 * BYTES, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < VALUES; i++)
        hak_cache_put(&cache, 1, i, data, BYTES);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert(hak_cache_has(&cache, 1, VALUES - 1));
    expect(1, -1, "before");
    open_again("the first");
    expect(1, -1, "before");
    ck_assert(!hak_cache_has(&cache, 1, VALUES - 1));
    free(data);
}

TEST(a_value_that_was_cut_short_is_the_end_and_the_next_one_stands_there) {
    static const char eight[] =
        "eight, with so much behind it that a short value does not cover it";
    struct stat about;
    put(1, 7, "seven");
    ck_assert_int_eq(stat(cache.path, &about), 0);
    put(1, 8, eight);
    for (int cut = 1; cut < 32 + (int)strlen(eight); cut += 5) {
        ck_assert_int_eq(truncate(cache.path, about.st_size + cut), 0);
        open_again("the first");
        expect(1, 7, "seven");
        expect(1, 8, NULL);
        put(1, 9, "");
        open_again("the first");
        expect(1, 9, "");
        ck_assert_int_eq(access(cache.path, F_OK), 0);
        ck_assert_int_eq(truncate(cache.path, about.st_size), 0);
        open_again("the first");
        put(1, 8, eight);
    }
}

TEST(memory_for_values_without_a_file_is_limited) {
    enum { BYTES = 1 << 20, VALUES = 100 };
    char *data = calloc(1, BYTES);
    size_t bytes;
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", "/dev/null", 1), 0);
    open_again("the first");
    for (int i = 0; i < VALUES; i++) {
        hak_cache_put(&cache, 1, i, data, BYTES);
        char *got = hak_cache_get(&cache, 1, i, &bytes);
        ck_assert(got && bytes == BYTES);
        sqlite3_free(got);
    }
    expect(1, 0, NULL);
    free(data);
}

/* Writes a byte so many bytes before the file's end. */
static void change_last(int bytes, char byte) {
    struct stat about;
    int file = open(cache.path, O_WRONLY);
    ck_assert_int_eq(fstat(file, &about), 0);
    ck_assert_int_eq(pwrite(file, &byte, 1, about.st_size - bytes), 1);
    close(file);
}

TEST(a_changed_value_is_not_there_and_the_file_goes) {
    put(1, 7, "seven");
    put(1, 8, "eight");
    open_again("the first");
    change_last(5 + 32 + 5, 'S'); /* behind it stand a head and "eight" */
    size_t bytes;
    ck_assert_ptr_null(hak_cache_get(&cache, 1, 7, &bytes));
    ck_assert_int_eq(access(cache.path, F_OK), -1);
    expect(1, 8, NULL);
    put(1, 7, "seven");
    expect(1, 7, "seven");
}

/* Another opening of the file, which keeps others from appending. */
static int lock_file(void) {
    int other = open(cache.path, O_RDWR);
    ck_assert_int_eq(flock(other, LOCK_EX), 0);
    return other;
}

TEST(who_opens_and_reads_does_not_wait_for_who_writes) {
    put(1, 7, "seven");
    open_again("the first");
    int other = lock_file();
    open_again("the first");
    ck_assert_int_ge(cache.file.fd, 0);
    expect(1, 7, "seven");
    close(other);
}

TEST(a_locked_file_stays_and_values_stay_in_memory) {
    enum { BYTES = 1 << 20, VALUES = 20 };
    char *data = calloc(1, BYTES);
    size_t bytes;
    put(1, -1, "before");
    open_again("the first");
    int other = lock_file();
    for (int i = 0; i < VALUES; i++)
        hak_cache_put(&cache, 1, i, data, BYTES);
    for (int i = 0; i < VALUES; i++) {
        char *got = hak_cache_get(&cache, 1, i, &bytes);
        ck_assert(got && bytes == BYTES);
        sqlite3_free(got);
    }
    close(other);
    expect(1, -1, "before");
    put(1, -2, "behind");
    open_again("the first");
    expect(1, -2, "behind");
    ck_assert(!hak_cache_has(&cache, 1, 0));
    free(data);
}

TEST(a_file_that_somebody_begins_is_no_damaged_one) {
    struct hak_cache other;
    hak_cache_close(&cache);
    hak_cache_open(&cache, "the second");
    int writer = lock_file();
    ck_assert_int_eq(write(writer, "SQL", 3), 3);
    hak_cache_open(&other, "the second");
    ck_assert_int_eq(other.file.fd, -1);
    hak_cache_close(&other);
    ck_assert_int_eq(access(cache.path, F_OK), 0);
    close(writer);
    hak_cache_open(&other, "the second"); /* its writer was killed */
    struct stat about;
    ck_assert_int_eq(stat(other.path, &about), 0);
    ck_assert_int_eq(about.st_size, 0);
    hak_cache_close(&other);
}

TEST(a_damaged_file_goes_when_it_is_written) {
    enum { BYTES = 10 << 20 };
    char *data = calloc(1, BYTES);
    put(1, 8, "eight");
    open_again("the first");
    int file = open(cache.path, O_WRONLY | O_APPEND);
    ck_assert_int_eq(write(file, data, 32768), 32768);
    close(file);
    hak_cache_put(&cache, 1, 7, data, BYTES);
    ck_assert_int_eq(access(cache.path, F_OK), -1);
    ck_assert(hak_cache_has(&cache, 1, 7));
    free(data);
}

TEST(without_a_place_values_stay_in_memory) {
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", "/dev/null", 1), 0);
    open_again("the first");
    put(1, 7, "seven");
    expect(1, 7, "seven");
    open_again("the first");
    expect(1, 7, NULL);
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
