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

static const char layout[] = "CREATE TABLE IF NOT EXISTS value(kind INTEGER, key INTEGER,"
                             " checksum INTEGER, data BLOB, PRIMARY KEY(kind, key));";

static bool run(sqlite3 *database, const char *sql) {
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql) {
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

static void forget_file(struct hak_cache *cache) {
    sqlite3_finalize(cache->get_file);
    sqlite3_close(cache->file);
    cache->get_file = NULL;
    cache->file = NULL;
}

/* True: the file is of this capture, or was empty. */
static bool has_identity(sqlite3 *file, const char *identity) {
    sqlite3_stmt *there = NULL, *add = NULL;
    add = prepare(file, "INSERT OR IGNORE INTO identity VALUES(1, ?1)");
    bool is_same = add && sqlite3_bind_text(add, 1, identity, -1, SQLITE_STATIC) == SQLITE_OK &&
                   sqlite3_step(add) == SQLITE_DONE;
    sqlite3_finalize(add);
    there = is_same ? prepare(file, "SELECT text FROM identity") : NULL;
    is_same = there && sqlite3_step(there) == SQLITE_ROW;
    const char *text = is_same ? (const char *)sqlite3_column_text(there, 0) : NULL;
    is_same = text && strcmp(text, identity) == 0;
    sqlite3_finalize(there);
    return is_same;
}

/* Without fsync, and with the old pages in memory: a file that a crash leaves torn is damaged, and
 * made anew. So nothing lies beside it that would outlive its removal. */
static bool open_file(struct hak_cache *cache, const char *identity) {
    char sql[384];
    snprintf(sql, sizeof sql,
             "PRAGMA page_size=%d; PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"
             "PRAGMA max_page_count=%d; PRAGMA cell_size_check=1;"
             "CREATE TABLE IF NOT EXISTS identity(id INTEGER PRIMARY KEY, text TEXT);%s",
             PAGE_BYTES, (int)(((uint64_t)HAK_CACHE_FILE_MIB << 20) / PAGE_BYTES), layout);
    if (sqlite3_open_v2(cache->path, &cache->file, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return false;
    sqlite3_busy_timeout(cache->file, LOCK_WAIT_MS);
    if (!run(cache->file, sql) || !has_identity(cache->file, identity))
        return false;
    cache->get_file = prepare(cache->file, "SELECT data, checksum FROM value"
                                           " WHERE kind = ?1 AND key = ?2");
    return cache->get_file != NULL;
}

static bool is_locked(sqlite3 *file) {
    int code = file ? sqlite3_errcode(file) : SQLITE_OK;
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

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
        if (!cache->path || open_file(cache, identity))
            return;
        bool is_in_use = is_locked(cache->file);
        forget_file(cache);
        if (is_in_use)
            return;
        (void)unlink(cache->path);
    }
}

void hak_cache_open(struct hak_cache *cache, const char *identity) {
    *cache = (struct hak_cache){0};
    open_or_remake(cache, identity);
    if (sqlite3_open(":memory:", &cache->here) != SQLITE_OK || !run(cache->here, layout))
        return;
    cache->get_here = prepare(cache->here, "SELECT data, checksum FROM value"
                                           " WHERE kind = ?1 AND key = ?2");
    cache->put = prepare(cache->here, "INSERT OR REPLACE INTO value VALUES(?1, ?2, ?3, ?4)");
}

/* ---- values -----------------------------------------------------------------------------------
 */

static void bind(sqlite3_stmt *statement, int64_t kind, int64_t key) {
    sqlite3_reset(statement);
    sqlite3_bind_int64(statement, 1, kind);
    sqlite3_bind_int64(statement, 2, key);
}

/* A copy of the row's value. NULL: there is none, or it is damaged. */
static void *take(sqlite3_stmt *from, int64_t kind, int64_t key, size_t *bytes, bool *is_damaged) {
    void *data = NULL;
    bind(from, kind, key);
    int step = sqlite3_step(from);
    if (step == SQLITE_ROW) {
        const void *there = sqlite3_column_blob(from, 0);
        *bytes = (size_t)sqlite3_column_bytes(from, 0);
        *is_damaged = sqlite3_column_int64(from, 1) != checksum_of(kind, key, there, *bytes);
        data = *is_damaged ? NULL : sqlite3_malloc64(*bytes + 1);
        if (data && *bytes)
            memcpy(data, there, *bytes);
    } else {
        *is_damaged = step != SQLITE_DONE && step != SQLITE_BUSY;
    }
    sqlite3_reset(from);
    return data;
}

void *hak_cache_get(struct hak_cache *cache, int64_t kind, int64_t key, size_t *bytes) {
    bool is_damaged = false;
    void *data = cache->get_here ? take(cache->get_here, kind, key, bytes, &is_damaged) : NULL;
    if (data || !cache->get_file)
        return data;
    data = take(cache->get_file, kind, key, bytes, &is_damaged);
    if (is_damaged) {
        forget_file(cache);
        (void)unlink(cache->path);
    }
    return data;
}

bool hak_cache_has(struct hak_cache *cache, int64_t kind, int64_t key) {
    sqlite3_stmt *const from[] = {cache->get_here, cache->get_file};
    bool is_there = false;
    for (int i = 0; i < 2 && !is_there; i++)
        if (from[i]) {
            bind(from[i], kind, key);
            is_there = sqlite3_step(from[i]) == SQLITE_ROW;
            sqlite3_reset(from[i]);
        }
    return is_there;
}

/* Several processes may have fetched the same. */
static bool write_all(sqlite3 *file, sqlite3 *here) {
    sqlite3_stmt *from = prepare(here, "SELECT kind, key, checksum, data FROM value");
    sqlite3_stmt *to = prepare(file, "INSERT OR REPLACE INTO value VALUES(?1, ?2, ?3, ?4)");
    bool is_done = from && to;
    while (is_done && sqlite3_step(from) == SQLITE_ROW) {
        for (int i = 0; i < 4; i++)
            sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
        is_done = sqlite3_step(to) == SQLITE_DONE;
        sqlite3_reset(to);
    }
    sqlite3_finalize(from);
    sqlite3_finalize(to);
    return is_done;
}

/* The file has them from here on, or, where that fails, nobody. */
static void flush(struct hak_cache *cache) {
    if (!cache->here_bytes || !cache->file || !cache->here)
        return;
    if (!run(cache->file, "BEGIN IMMEDIATE") || !write_all(cache->file, cache->here) ||
        !run(cache->file, "COMMIT"))
        (void)run(cache->file, "ROLLBACK");
    else
        hak_cache_make_room(cache->path);
}

void hak_cache_put(struct hak_cache *cache, int64_t kind, int64_t key, const void *data,
                   size_t bytes) {
    if (!cache->put || bytes > INT32_MAX)
        return;
    bind(cache->put, kind, key);
    sqlite3_bind_int64(cache->put, 3, checksum_of(kind, key, data, bytes));
    if (sqlite3_bind_blob(cache->put, 4, bytes ? data : "", (int)bytes, SQLITE_STATIC) ==
            SQLITE_OK &&
        sqlite3_step(cache->put) == SQLITE_DONE)
        cache->here_bytes += bytes + 64;
    sqlite3_reset(cache->put);
    sqlite3_clear_bindings(cache->put);
    if (cache->here_bytes < (cache->file ? HERE_BYTES : MOST_HERE_BYTES))
        return;
    flush(cache);
    (void)run(cache->here, "DELETE FROM value");
    cache->here_bytes = 0;
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
