/* The cache file of a capture, which fills itself: a database of the store's schema, and behind it
 * the blobs that were asked for since. Later commands and other processes read it, too.
 *
 *   +----------------------+----------+------+------+-----
 *   | database (image.h)   | identity | blob | blob | ...     put appends, get finds
 *   +----------------------+----------+------+------+-----
 *
 * Each value has a head (kind, key, length) and checksums of head and data; that of the database is
 * the identity's key. Writers append in turns, by a lock that readers do not need. A value that is
 * cut short is the end of the file, and the next writer cuts it off.
 *
 * Nothing here is an error for the caller: without a folder, on a full disk, or with a file that is
 * locked or another user's, values stay in memory, MOST_HERE_BYTES of them. A file that is damaged,
 * or of another capture, is removed. */
#ifndef HAK_REMOTE_CACHE_H
#define HAK_REMOTE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/index.h"

struct hak_cache {
    struct hak_cache_log {
        int fd; /* -1 = none */
        uint64_t end;
        struct hak_cache_value *value; /* all up to `end`, as they stand there */
        uint32_t count, room;
        struct hak_index index; /* their numbers + 1, by kind and key */
    } here, file;
    void *database; /* of the file, for sqlite3_free; NULL: it has none yet */
    uint64_t database_bytes;
    uint64_t new_bytes; /* put since there was last looked for room */
    char *path, *identity;
};

/* Opens the cache in the file of `identity`, a text that names the server, the capture, and the
 * layout. The caller may take its `database`, and sets it to NULL then. */
void hak_cache_open(struct hak_cache *cache, const char *identity);
void hak_cache_close(struct hak_cache *cache);

/* Begins a file that is empty with the database, a whole one as sqlite3_serialize gives it. */
void hak_cache_put_database(struct hak_cache *cache, const void *data, size_t bytes);

/* A value, which the caller frees by sqlite3_free; NULL = it is not there. */
void *hak_cache_get(struct hak_cache *cache, int64_t kind, int64_t key, size_t *bytes);

/* Whether the cache, in memory or in its file, has a value of the key. */
bool hak_cache_has(struct hak_cache *cache, int64_t kind, int64_t key);

/* Keeps a copy of a value whose kind is 0 or above; not without memory or over 2 GiB. */
void hak_cache_put(struct hak_cache *cache, int64_t kind, int64_t key, const void *data,
                   size_t bytes);

#endif
