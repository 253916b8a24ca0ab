/* Keeps fetched values in a file of SQLite, or in memory. */
#include "remote/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/checksum.h"
#include "remote/cache_folder.h"

/* Values that have no file, at most; those after which there is looked for room again; how long
 * another process's transaction is waited for. An image of a capture's tables is a value of some
 * MiB, and is read page by page: large pages are fewer. */
enum { MOST_HERE_BYTES = 64 << 20, ROOM_BYTES = 8 << 20, LOCK_WAIT_MS = 100 };
enum { PAGE_BYTES = 32768 };

static const char cache_layout[] = "CREATE TABLE IF NOT EXISTS value(kind INTEGER, key INTEGER,"
                                   " checksum INTEGER, data BLOB, PRIMARY KEY(kind, key));";

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

static bool is_damage(int code) {
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

static void close_place(struct hak_cache_place *place) {
    sqlite3_finalize(place->get);
    sqlite3_finalize(place->put);
    sqlite3_close(place->database);
    *place = (struct hak_cache_place){0};
}

/* Prepares what reads and writes values of a place that has its tables; SQLITE_OK, or an error. */
static int prepare_place(struct hak_cache_place *place) {
    place->get = prepare_in_cache(place->database,
                                  "SELECT data, checksum FROM value WHERE kind = ?1 AND key = ?2");
    if (!place->get)
        return sqlite3_errcode(place->database);
    place->put =
        prepare_in_cache(place->database, "INSERT OR REPLACE INTO value VALUES(?1, ?2, ?3, ?4)");
    return place->put ? SQLITE_OK : sqlite3_errcode(place->database);
}

/* Opens the place in memory, if it is not open. */
static void open_here(struct hak_cache *cache) {
    char sql[384];
    snprintf(sql, sizeof sql, "PRAGMA page_size=4096; PRAGMA max_page_count=%d;%s",
             MOST_HERE_BYTES / 4096, cache_layout);
    if (!cache->here.database &&
        (sqlite3_open(":memory:", &cache->here.database) != SQLITE_OK ||
         !run_in_cache(cache->here.database, sql) || prepare_place(&cache->here) != SQLITE_OK))
        close_place(&cache->here);
}

/* From here on the file is only read, or gone if it is damaged. */
static void refuse_file(struct hak_cache *cache, int code) {
    sqlite3_finalize(cache->file.put);
    cache->file.put = NULL;
    (void)run_in_cache(cache->file.database, "ROLLBACK"); /* of a transaction, if there is one */
    if (is_damage(code)) {
        close_place(&cache->file);
        (void)unlink(cache->path);
    }
    open_here(cache);
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
    sqlite3 **file = &cache->file.database;
    int code =
        sqlite3_open_v2(cache->path, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(*file, LOCK_WAIT_MS);
        code = sqlite3_exec(*file, sql, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK)
        code = sign_file(*file, identity);
    return code == SQLITE_ROW ? prepare_place(&cache->file) : code;
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
        close_place(&cache->file);
        if (!is_damage(code) && code != SQLITE_ERROR) /* of other tables */
            return;
        (void)unlink(cache->path);
    }
}

void hak_cache_open(struct hak_cache *cache, const char *identity) {
    *cache = (struct hak_cache){0};
    open_or_remake(cache, identity);
    if (!cache->file.put)
        open_here(cache);
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
        cache->here.get ? take_value_of(cache->here.get, kind, key, bytes, &is_damaged) : NULL;
    if (data || !cache->file.get)
        return data;
    data = take_value_of(cache->file.get, kind, key, bytes, &is_damaged);
    if (is_damaged)
        refuse_file(cache, SQLITE_CORRUPT);
    return data;
}

bool hak_cache_has(struct hak_cache *cache, int64_t kind, int64_t key) {
    sqlite3_stmt *const from[] = {cache->here.get, cache->file.get};
    bool is_there = false;
    for (int i = 0; i < 2 && !is_there; i++)
        if (from[i]) {
            is_there = find_value(from[i], kind, key) == SQLITE_ROW;
            sqlite3_reset(from[i]);
        }
    return is_there;
}

/* Writes a value; SQLITE_DONE, or an error. */
static int write_value(sqlite3_stmt *to, int64_t kind, int64_t key, const void *data,
                       size_t bytes) {
    bind_key(to, kind, key);
    sqlite3_bind_int64(to, 3, checksum_of(kind, key, data, bytes));
    int step = sqlite3_bind_blob(to, 4, bytes ? data : "", (int)bytes, SQLITE_STATIC);
    if (step == SQLITE_OK)
        step = sqlite3_step(to);
    sqlite3_reset(to);
    sqlite3_clear_bindings(to);
    return step;
}

void hak_cache_put(struct hak_cache *cache, int64_t kind, int64_t key, const void *data,
                   size_t bytes) {
    if (bytes > INT32_MAX)
        return;
    if (cache->file.put) {
        int step = write_value(cache->file.put, kind, key, data, bytes);
        cache->new_bytes += bytes + 64;
        if (step == SQLITE_DONE)
            return;
        refuse_file(cache, step);
    }
    if (cache->here.put && write_value(cache->here.put, kind, key, data, bytes) == SQLITE_FULL &&
        run_in_cache(cache->here.database, "DELETE FROM value"))
        (void)write_value(cache->here.put, kind, key, data, bytes);
}

void hak_cache_begin(struct hak_cache *cache) {
    if (!cache->file.put)
        return;
    sqlite3_busy_timeout(cache->file.database, LOCK_WAIT_MS); /* a busy read ended the waiting */
    if (!run_in_cache(cache->file.database, "BEGIN IMMEDIATE"))
        refuse_file(cache, sqlite3_errcode(cache->file.database));
}

void hak_cache_end(struct hak_cache *cache) {
    if (cache->file.put && !run_in_cache(cache->file.database, "COMMIT"))
        refuse_file(cache, sqlite3_errcode(cache->file.database));
    if (cache->new_bytes >= ROOM_BYTES) {
        hak_cache_make_room(cache->path);
        cache->new_bytes = 0;
    }
}

void hak_cache_close(struct hak_cache *cache) {
    if (cache->new_bytes)
        hak_cache_make_room(cache->path);
    close_place(&cache->file);
    close_place(&cache->here);
    free(cache->path);
    *cache = (struct hak_cache){0};
}
