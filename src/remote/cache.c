/* Keeps fetched values behind the database of a cache file, or in memory. */
#include "remote/cache.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/checksum.h"
#include "base/growing.h"
#include "remote/cache_folder.h"

/* Values that have no file, at most; those after which there is looked for room again. */
enum { MOST_HERE_BYTES = 64 << 20, ROOM_BYTES = 8 << 20, IDENTITY_KIND = -1 };
#define MOST_FILE_BYTES ((uint64_t)HAK_CACHE_FILE_MIB << 20)

struct hak_cache_value {
    struct value_head {
        int64_t kind, key;
        uint64_t bytes;
        uint32_t data_sum, head_sum;
    } head;
    uint64_t at; /* of its data; the head is in front of it */
};

/* ---- the values of a file ---------------------------------------------------------------------
 */

static uint32_t sum_of_head(const struct value_head *head) {
    return hak_crc32c(head, offsetof(struct value_head, head_sum));
}

/* Reads all the bytes. False: they are not there, or cannot be read. */
static bool read_at(int fd, void *out, uint64_t bytes, uint64_t at) {
    for (ssize_t got; bytes; out = (char *)out + got, bytes -= (uint64_t)got, at += (uint64_t)got)
        if ((got = pread(fd, out, bytes, (off_t)at)) <= 0)
            return false;
    return true;
}

static void close_log(struct hak_cache_log *log) {
    if (log->fd >= 0)
        close(log->fd);
    hak_index_free(&log->index);
    free(log->value);
    *log = (struct hak_cache_log){.fd = -1};
}

/* Adds a value to those that are known. False without memory. */
static bool note_value(struct hak_cache_log *log, const struct hak_cache_value *value) {
    uint64_t key = hak_index_mix((uint64_t)value->head.kind, (uint64_t)value->head.key);
    if (!hak_growing_make_room(&log->value, log->count, &log->room, sizeof *log->value))
        return false;
    log->value[log->count] = *value;
    return hak_index_add(&log->index, key, ++log->count);
}

/* Notes the values that were appended behind those that are known, by this process or another.
 * False: the file is damaged, or there is no memory. */
static bool note_appended(struct hak_cache_log *log) {
    struct stat about;
    struct hak_cache_value value;
    if (fstat(log->fd, &about) != 0 || (uint64_t)about.st_size < log->end)
        return false;
    uint64_t size = (uint64_t)about.st_size;
    while (size - log->end >= sizeof value.head) {
        if (!read_at(log->fd, &value.head, sizeof value.head, log->end) ||
            value.head.head_sum != sum_of_head(&value.head))
            return false;
        value.at = log->end + sizeof value.head;
        if (size - value.at < value.head.bytes)
            break; /* it is being written, or its writer was killed */
        if (!note_value(log, &value))
            return false;
        log->end = value.at + value.head.bytes;
    }
    return true;
}

/* The value of the key; NULL: it is not there. */
static const struct hak_cache_value *find_value(struct hak_cache_log *log, int64_t kind,
                                                int64_t key) {
    uint64_t mixed = hak_index_mix((uint64_t)kind, (uint64_t)key), place = 0;
    for (uint32_t number; (number = hak_index_find(&log->index, mixed, &place)) != 0;)
        if (log->value[number - 1].head.kind == kind && log->value[number - 1].head.key == key)
            return &log->value[number - 1];
    return NULL;
}

/* Appends a value unless the file would have more than `most` bytes then. False also where another
 * process appends, or there is no room. */
static bool append_value(struct hak_cache_log *log, uint64_t most, int64_t kind, int64_t key,
                         const void *data, size_t bytes) {
    struct value_head head = {kind, key, bytes, hak_crc32c(data, bytes), 0};
    head.head_sum = sum_of_head(&head);
    struct iovec part[] = {{&head, sizeof head}, {(void *)(uintptr_t)data, bytes}};
    if (log->fd < 0 || flock(log->fd, LOCK_EX | LOCK_NB) != 0)
        return false;
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN); /* a limit of the size is no room */
    bool is_done = note_appended(log) && ftruncate(log->fd, (off_t)log->end) == 0 &&
                   log->end + sizeof head + bytes <= most &&
                   pwritev(log->fd, part, 2, (off_t)log->end) == (ssize_t)(sizeof head + bytes) &&
                   note_appended(log);
    signal(SIGXFSZ, before);
    flock(log->fd, LOCK_UN);
    return is_done;
}

/* A copy of the value's data. NULL: it cannot be read, or is not what was put. */
static void *read_value(const struct hak_cache_log *log, const struct hak_cache_value *value) {
    void *data = sqlite3_malloc64(value->head.bytes + 1);
    if (data && read_at(log->fd, data, value->head.bytes, value->at) &&
        hak_crc32c(data, value->head.bytes) == value->head.data_sum)
        return data;
    sqlite3_free(data);
    return NULL;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

/* Removes the file, which is damaged or of another capture. */
static void remove_file(struct hak_cache *cache) {
    close_log(&cache->file);
    (void)unlink(cache->path);
}

/* The length of the database that a file begins with, by its header: SQLite's file format, 1.3. */
static uint64_t length_of_database(int fd) {
    unsigned char head[32];
    if (!read_at(fd, head, sizeof head, 0) || memcmp(head, "SQLite format 3", 16) != 0)
        return 0;
    uint64_t page = (uint64_t)head[16] << 8 | head[17], pages = 0;
    for (int i = 28; i < 32; i++)
        pages = pages << 8 | head[i];
    return (page == 1 ? 65536 : page) * pages;
}

/* Reads the database and the identity behind it. False: they are not whole, or another's. */
static bool read_database(struct hak_cache *cache) {
    struct hak_cache_log *file = &cache->file;
    uint64_t bytes = length_of_database(file->fd);
    file->end = bytes;
    if (!bytes || bytes > MOST_FILE_BYTES || !note_appended(file) || !file->count)
        return false;
    const struct hak_cache_value *first = &file->value[0];
    char *text = first->head.kind == IDENTITY_KIND ? read_value(file, first) : NULL;
    size_t length = strlen(cache->identity);
    bool is_ours =
        text && first->head.bytes == length && memcmp(text, cache->identity, length) == 0;
    sqlite3_free(text);
    cache->database_bytes = bytes;
    cache->database = is_ours ? sqlite3_malloc64(bytes) : NULL;
    if (cache->database && read_at(file->fd, cache->database, bytes, 0) &&
        first->head.key == hak_crc32c(cache->database, bytes))
        return true;
    sqlite3_free(cache->database);
    cache->database = NULL;
    return false;
}

/* Opens the file and reads its database. True: it is usable, or empty, or there is none. False: it
 * is damaged, and gone. */
static bool open_file(struct hak_cache *cache) {
    struct stat about;
    cache->file.fd = open(cache->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (cache->file.fd < 0)
        return true;
    /* A file that is begun just now is no damaged one. */
    bool is_quiet = flock(cache->file.fd, LOCK_SH | LOCK_NB) == 0;
    bool is_empty = fstat(cache->file.fd, &about) == 0 && about.st_size == 0;
    bool is_whole = is_empty || read_database(cache);
    flock(cache->file.fd, LOCK_UN);
    if (is_whole)
        return true;
    if (is_quiet)
        remove_file(cache);
    else
        close_log(&cache->file);
    return !is_quiet;
}

void hak_cache_open(struct hak_cache *cache, const char *identity) {
    char name[48];
    size_t bytes = strlen(identity), half = bytes / 2;
    *cache = (struct hak_cache){.here.fd = -1, .file.fd = -1, .identity = strdup(identity)};
    /* Checksums of the whole and of its halves: names of files, no secrets. */
    snprintf(name, sizeof name, "%08" PRIx32 "%08" PRIx32 "%08" PRIx32 "%08" PRIx32 ".db",
             hak_crc32c(identity, bytes), hak_crc32c(identity, half),
             hak_crc32c(identity + half, bytes - half), hak_crc32c(identity + bytes / 4, half));
    for (int i = 0; i < 2 && cache->identity; i++) {
        free(cache->path);
        cache->path = hak_cache_file(name);
        if (!cache->path || open_file(cache))
            return;
    }
}

void hak_cache_put_database(struct hak_cache *cache, const void *data, size_t bytes) {
    struct hak_cache_log *file = &cache->file;
    struct stat about;
    if (file->fd < 0)
        return;
    bool is_ours = flock(file->fd, LOCK_EX | LOCK_NB) == 0 && fstat(file->fd, &about) == 0 &&
                   about.st_size == 0;
    file->end = bytes;
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN); /* a limit of the size is no room */
    bool is_written = is_ours && pwrite(file->fd, data, bytes, 0) == (ssize_t)bytes;
    signal(SIGXFSZ, before);
    if (is_written && append_value(file, MOST_FILE_BYTES, IDENTITY_KIND, hak_crc32c(data, bytes),
                                   cache->identity, strlen(cache->identity)))
        return;
    if (is_ours)
        (void)ftruncate(file->fd, 0); /* no room */
    close_log(file);
}

/* ---- values -----------------------------------------------------------------------------------
 */

/* Finds a value, first in memory; NULL: it is not there. Notes what other processes have appended
 * meanwhile; a damaged file goes. */
static const struct hak_cache_value *look_up(struct hak_cache *cache, int64_t kind, int64_t key,
                                             struct hak_cache_log **in) {
    const struct hak_cache_value *value = find_value(*in = &cache->here, kind, key);
    if (!value)
        value = find_value(*in = &cache->file, kind, key);
    if (value || cache->file.fd < 0 || !cache->file.count)
        return value;
    if (note_appended(&cache->file))
        return find_value(&cache->file, kind, key);
    remove_file(cache);
    return NULL;
}

void *hak_cache_get(struct hak_cache *cache, int64_t kind, int64_t key, size_t *bytes) {
    struct hak_cache_log *in;
    const struct hak_cache_value *value = look_up(cache, kind, key, &in);
    void *data = value ? read_value(in, value) : NULL;
    *bytes = data ? value->head.bytes : 0;
    if (value && !data && in == &cache->file)
        remove_file(cache);
    return data;
}

bool hak_cache_has(struct hak_cache *cache, int64_t kind, int64_t key) {
    struct hak_cache_log *in;
    return look_up(cache, kind, key, &in) != NULL;
}

void hak_cache_put(struct hak_cache *cache, int64_t kind, int64_t key, const void *data,
                   size_t bytes) {
    if (bytes > INT32_MAX || hak_cache_has(cache, kind, key))
        return;
    if (cache->file.count && append_value(&cache->file, MOST_FILE_BYTES, kind, key, data, bytes)) {
        cache->new_bytes += bytes;
        if (cache->new_bytes >= ROOM_BYTES)
            hak_cache_make_room(cache->path);
        cache->new_bytes %= ROOM_BYTES;
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (cache->here.fd < 0)
            cache->here.fd = memfd_create("hakmem", MFD_CLOEXEC);
        if (append_value(&cache->here, MOST_HERE_BYTES, kind, key, data, bytes))
            return;
        close_log(&cache->here); /* it is full */
    }
}

void hak_cache_close(struct hak_cache *cache) {
    if (!cache->identity)
        return; /* it was not opened */
    if (cache->new_bytes)
        hak_cache_make_room(cache->path);
    close_log(&cache->file);
    close_log(&cache->here);
    sqlite3_free(cache->database);
    free(cache->path);
    free(cache->identity);
    *cache = (struct hak_cache){.here.fd = -1, .file.fd = -1};
}
