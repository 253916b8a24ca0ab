/* Fetched values in memory and in a file: kept from one opening to the next, for one capture alone,
 * and without a place for the file as well. */
#include "remote/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../suite.h"

static char folder[] = "/tmp/hakmem-cache.XXXXXX";
static struct hak_cache cache;

static void set_up(void) {
    memcpy(strrchr(folder, '.') + 1, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(setenv("XDG_CACHE_HOME", folder, 1), 0);
    hak_cache_open(&cache, "the first");
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
    put(-1, INT64_MAX, "");
    for (int i = 0; i < 2; i++) {
        expect(1, 7, "seven");
        expect(-1, INT64_MAX, "");
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
        ck_assert_ptr_null(cache.here.database);
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

TEST(values_of_one_transaction_are_there_before_its_end_and_behind_it) {
    hak_cache_begin(&cache);
    put(1, 7, "seven");
    put(1, 8, "eight");
    expect(1, 7, "seven");
    hak_cache_end(&cache);
    open_again("the first");
    expect(1, 7, "seven");
    expect(1, 8, "eight");
}

TEST(a_file_that_is_full_stays_and_values_stay_in_memory) {
    enum { BYTES = 1 << 20, VALUES = 20 };
    char *data = calloc(1, BYTES);
    put(1, -1, "before");
    ck_assert_int_eq(
        sqlite3_exec(cache.file.database, "PRAGMA max_page_count=200", NULL, NULL, NULL),
        SQLITE_OK);
    hak_cache_begin(&cache);
    for (int i = 0; i < VALUES; i++)
        hak_cache_put(&cache, 1, i, data, BYTES);
    hak_cache_end(&cache);
    ck_assert(hak_cache_has(&cache, 1, VALUES - 1));
    expect(1, -1, "before");
    open_again("the first");
    expect(1, -1, "before");
    ck_assert(!hak_cache_has(&cache, 1, VALUES - 1));
    free(data);
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

TEST(a_changed_value_is_not_there_and_the_file_goes) {
    put(1, 7, "seven");
    put(1, 8, "eight");
    open_again("the first");
    ck_assert_int_eq(sqlite3_exec(cache.file.database,
                                  "UPDATE value SET data = 'Seven' WHERE key = 7", NULL, NULL,
                                  NULL),
                     SQLITE_OK);
    size_t bytes;
    ck_assert_ptr_null(hak_cache_get(&cache, 1, 7, &bytes));
    ck_assert_int_eq(access(cache.path, F_OK), -1);
    expect(1, 8, NULL);
    put(1, 7, "seven");
    expect(1, 7, "seven");
}

/* Another connection to the file, with a transaction that keeps others from it. */
static sqlite3 *lock_file(const char *begin) {
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(cache.path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, begin, NULL, NULL, NULL), SQLITE_OK);
    return other;
}

TEST(who_opens_and_reads_does_not_wait_for_who_writes) {
    put(1, 7, "seven");
    open_again("the first");
    sqlite3 *other = lock_file("BEGIN IMMEDIATE");
    open_again("the first");
    ck_assert_ptr_nonnull(cache.file.database);
    expect(1, 7, "seven");
    sqlite3_close(other);
}

TEST(a_locked_file_stays_and_values_stay_in_memory) {
    enum { BYTES = 1 << 20, VALUES = 20 };
    char *data = calloc(1, BYTES);
    size_t bytes;
    put(1, -1, "before");
    open_again("the first");
    sqlite3 *other = lock_file("BEGIN EXCLUSIVE");
    for (int i = 0; i < VALUES; i++)
        hak_cache_put(&cache, 1, i, data, BYTES);
    for (int i = 0; i < VALUES; i++) {
        char *got = hak_cache_get(&cache, 1, i, &bytes);
        ck_assert(got && bytes == BYTES);
        sqlite3_free(got);
    }
    expect(1, -1, NULL);
    sqlite3_close(other);
    expect(1, -1, "before");
    free(data);
}

TEST(a_damaged_file_goes_when_it_is_written) {
    enum { BYTES = 10 << 20 };
    char *data = calloc(1, BYTES);
    open_again("the first");
    int file = open(cache.path, O_WRONLY);
    ck_assert_int_eq(pwrite(file, data, 2 * 32768, 2 * 32768), 2 * 32768); /* value and its key */
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
