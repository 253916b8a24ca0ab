/* Keeps fetched values in memory and in a file of SQLite. */
#include "remote/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/checksum.h"
#include "remote/cache_folder.h"

/* Values that wait for the file, and those that have none, at most; how long another process's
 * transaction is waited for. */
enum { HERE_BYTES = 8 << 20, MOST_HERE_BYTES = 64 << 20, LOCK_WAIT_MS = 100 };
enum { PAGE_BYTES = 8192 };

static const char cache_layout[] = "CREATE TABLE IF NOT EXISTS value(kind INTEGER, key INTEGER,"
                                   " checksum INTEGER, data BLOB, PRIMARY KEY(kind, key));";
static const char get_value[] = "SELECT data, checksum FROM value WHERE kind = ?1 AND key = ?2";

static bool run_in_cache(sqlite3 *database, const char *sql) {
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static sqlite3_stmt *prepare_in_cache(sqlite3 *database, const char *sql) {
    sqlite3_stmt *statement = NULL;
    (void)sqlite3_prepare_v2(database, sql, -1, &statement, NULL);
    return statement;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

/* Of the key, too: a value that lies under another's key is damage. */
static int64_t checksum_of(int64_t kind, int64_t key, const void *data, size_t bytes) {
    const int64_t head[3] = {kind, key, (int64_t)bytes};
    return (int64_t)((uint64_t)hak_crc32c(head, sizeof head) << 32 | hak_crc32c(data, bytes));
}

/* Closes the cache's file; what is in memory stays. */
static void forget_file(struct hak_cache *cache) {
    sqlite3_finalize(cache->get_file);
    sqlite3_close(cache->file);
    cache->get_file = NULL;
    cache->file = NULL;
}

static void remove_file(struct hak_cache *cache) {
    forget_file(cache);
    (void)unlink(cache->path);
}

static bool is_damage(int code) {
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

/* Runs `sql`, whose ?1 is the identity: SQLITE_DONE, an error, or SQLITE_ROW where its value is
 * true. A false one is another's file, which is as a damaged one. */
static int ask_identity(sqlite3 *file, const char *sql, const char *identity) {
    sqlite3_stmt *statement = prepare_in_cache(file, sql);
    int code = statement ? sqlite3_bind_text(statement, 1, identity, -1, SQLITE_STATIC)
                         : sqlite3_errcode(file);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW && !sqlite3_column_int(statement, 0))
        code = SQLITE_NOTADB;
    sqlite3_finalize(statement);
    return code;
}

/* Checks that the file is of this capture: SQLITE_ROW; only an empty one is signed. */
static int sign_file(sqlite3 *file, const char *identity) {
    static const char look[] = "SELECT text = ?1 FROM identity";
    int code = ask_identity(file, look, identity);
    if (code == SQLITE_DONE)
        code = ask_identity(file, "INSERT OR IGNORE INTO identity VALUES(1, ?1)", identity);
    return code == SQLITE_DONE ? ask_identity(file, look, identity) : code;
}

/* Opens the cache's file and checks whose it is: SQLITE_OK, or why it cannot be used. Without
 * fsync, and with the old pages in memory: a file that a crash leaves torn is damaged, and made
 * anew. So nothing lies beside it that would outlive its removal. */
static int open_file(struct hak_cache *cache, const char *identity) {
    char sql[384];
    snprintf(sql, sizeof sql,
             "PRAGMA page_size=%d; PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"
             "PRAGMA max_page_count=%d; PRAGMA cell_size_check=1;"
             "CREATE TABLE IF NOT EXISTS identity(id INTEGER PRIMARY KEY, text TEXT);%s",
             PAGE_BYTES, (int)(((uint64_t)HAK_CACHE_FILE_MIB << 20) / PAGE_BYTES), cache_layout);
    int code = sqlite3_open_v2(cache->path, &cache->file, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(cache->file, LOCK_WAIT_MS);
        code = sqlite3_exec(cache->file, sql, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK)
        code = sign_file(cache->file, identity);
    return code == SQLITE_ROW
               ? sqlite3_prepare_v2(cache->file, get_value, -1, &cache->get_file, NULL)
               : code;
}

/* Opens the capture's cache file; one that is damaged or has other tables is removed and made anew.
 * Without a file the cache works in memory. */
static void open_or_remake(struct hak_cache *cache, const char *identity) {
    char name[48];
    size_t half = strlen(identity) / 2; /* two checksums of 64 bits: names of files, no secrets */
    snprintf(name, sizeof name, "%016" PRIx64 "%016" PRIx64 ".db",
             (uint64_t)checksum_of(1, 0, identity, strlen(identity)),
             (uint64_t)checksum_of(2, (int64_t)hak_crc32c(identity, half), identity + half,
                                   strlen(identity) - half));
    for (int i = 0; i < 2; i++) {
        free(cache->path);
        cache->path = hak_cache_file(name);
        int code = cache->path ? open_file(cache, identity) : SQLITE_OK;
        if (code == SQLITE_OK)
            return;
        forget_file(cache);
        if (!is_damage(code) && code != SQLITE_ERROR) /* of other tables */
            return;
        (void)unlink(cache->path);
    }
}

void hak_cache_open(struct hak_cache *cache, const char *identity) {
    *cache = (struct hak_cache){0};
    open_or_remake(cache, identity);
    if (sqlite3_open(":memory:", &cache->here) != SQLITE_OK ||
        !run_in_cache(cache->here, cache_layout))
        return;
    cache->get_here = prepare_in_cache(cache->here, get_value);
    cache->put =
        prepare_in_cache(cache->here, "INSERT OR REPLACE INTO value VALUES(?1, ?2, ?3, ?4)");
}

/* ---- values -----------------------------------------------------------------------------------
 */

/* Resets a statement and binds kind and key as its first two values. */
static void bind_key(sqlite3_stmt *statement, int64_t kind, int64_t key) {
    sqlite3_reset(statement);
    sqlite3_bind_int64(statement, 1, kind);
    sqlite3_bind_int64(statement, 2, key);
}

/* Steps to the row with the key. After another process has kept the file locked once, it is not
 * waited for again. */
static int find_value(sqlite3_stmt *from, int64_t kind, int64_t key) {
    bind_key(from, kind, key);
    int step = sqlite3_step(from);
    if (step == SQLITE_BUSY)
        sqlite3_busy_timeout(sqlite3_db_handle(from), 0);
    return step;
}

/* A copy of the row's value. NULL: there is none, or it is damaged. */
static void *take_value_of(sqlite3_stmt *from, int64_t kind, int64_t key, size_t *bytes,
                           bool *is_damaged) {
    void *data = NULL;
    int step = find_value(from, kind, key);
    if (step == SQLITE_ROW) {
        const void *there = sqlite3_column_blob(from, 0);
        *bytes = (size_t)sqlite3_column_bytes(from, 0);
        *is_damaged = sqlite3_column_int64(from, 1) != checksum_of(kind, key, there, *bytes);
        data = *is_damaged ? NULL : sqlite3_malloc64(*bytes + 1);
        if (data && *bytes)
            memcpy(data, there, *bytes);
    } else {
        *is_damaged = is_damage(step);
    }
    sqlite3_reset(from);
    return data;
}

void *hak_cache_get(struct hak_cache *cache, int64_t kind, int64_t key, size_t *bytes) {
    bool is_damaged = false;
    void *data =
        cache->get_here ? take_value_of(cache->get_here, kind, key, bytes, &is_damaged) : NULL;
    if (data || !cache->get_file)
        return data;
    data = take_value_of(cache->get_file, kind, key, bytes, &is_damaged);
    if (is_damaged)
        remove_file(cache);
    return data;
}

bool hak_cache_has(struct hak_cache *cache, int64_t kind, int64_t key) {
    sqlite3_stmt *const from[] = {cache->get_here, cache->get_file};
    bool is_there = false;
    for (int i = 0; i < 2 && !is_there; i++)
        if (from[i]) {
            is_there = find_value(from[i], kind, key) == SQLITE_ROW;
            sqlite3_reset(from[i]);
        }
    return is_there;
}

static void empty_here(struct hak_cache *cache) {
    (void)run_in_cache(cache->here, "DELETE FROM value");
    cache->here_bytes = 0;
}

/* Writes all values to the file; several processes may have fetched the same. */
static bool write_all(sqlite3 *file, sqlite3 *here) {
    sqlite3_stmt *from = prepare_in_cache(here, "SELECT kind, key, checksum, data FROM value");
    sqlite3_stmt *to =
        prepare_in_cache(file, "INSERT OR REPLACE INTO value VALUES(?1, ?2, ?3, ?4)");
    bool is_done = from && to;
    int step = SQLITE_DONE;
    while (is_done && (step = sqlite3_step(from)) == SQLITE_ROW) {
        for (int i = 0; i < 4 && is_done; i++)
            is_done = sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i)) == SQLITE_OK;
        is_done = is_done && sqlite3_step(to) == SQLITE_DONE;
        sqlite3_reset(to);
    }
    sqlite3_finalize(from);
    sqlite3_finalize(to);
    return is_done && step == SQLITE_DONE;
}

/* Moves the values from memory to the file. Where that fails they stay here, as do all later ones.
 */
static void flush(struct hak_cache *cache) {
    if (!cache->here_bytes || !cache->file || cache->is_refused)
        return;
    sqlite3_busy_timeout(cache->file, LOCK_WAIT_MS);
    cache->is_refused = !run_in_cache(cache->file, "BEGIN IMMEDIATE") ||
                        !write_all(cache->file, cache->here) ||
                        !run_in_cache(cache->file, "COMMIT");
    int code = sqlite3_errcode(cache->file);
    if (!cache->is_refused) {
        hak_cache_make_room(cache->path);
        empty_here(cache);
    } else if (is_damage(code)) {
        remove_file(cache);
    } else {
        (void)run_in_cache(cache->file, "ROLLBACK");
    }
}

void hak_cache_put(struct hak_cache *cache, int64_t kind, int64_t key, const void *data,
                   size_t bytes) {
    if (!cache->put || bytes > INT32_MAX)
        return;
    bind_key(cache->put, kind, key);
    sqlite3_bind_int64(cache->put, 3, checksum_of(kind, key, data, bytes));
    if (sqlite3_bind_blob(cache->put, 4, bytes ? data : "", (int)bytes, SQLITE_STATIC) ==
            SQLITE_OK &&
        sqlite3_step(cache->put) == SQLITE_DONE)
        cache->here_bytes += bytes + 64;
    sqlite3_reset(cache->put);
    sqlite3_clear_bindings(cache->put);
    if (cache->here_bytes >= HERE_BYTES)
        flush(cache);
    if (cache->here_bytes >= MOST_HERE_BYTES)
        empty_here(cache);
}

void hak_cache_close(struct hak_cache *cache) {
    flush(cache);
    forget_file(cache);
    sqlite3_finalize(cache->get_here);
    sqlite3_finalize(cache->put);
    sqlite3_close(cache->here);
    free(cache->path);
    *cache = (struct hak_cache){0};
}
