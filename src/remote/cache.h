/* Values of a capture that were fetched from its server, in a file that fills itself: later
 * commands and other processes read it, too.
 *
 *   put ---> the file, in one transaction with all that came in one answer; where that fails: here,
 *            in memory, from then on
 *   get <--- here, else the file
 *
 * Nothing here is an error for the caller: without a folder, on a full disk, or with a file that is
 * locked or another user's, values stay in memory, MOST_HERE_BYTES of them. A file that is damaged,
 * or of another capture, is made anew; after any other error it is only read. Each value has its
 * checksum, and one that does not hold is not there. */
#ifndef HAK_REMOTE_CACHE_H
#define HAK_REMOTE_CACHE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hak_cache {
    struct hak_cache_place {
        sqlite3 *database; /* NULL = none */
        sqlite3_stmt *get, *put;
    } here, file;     /* without file.put values go here */
    size_t new_bytes; /* put since there was last looked for room */
    char *path;
};

/* Opens the cache in the file of `identity`, a text that names the server, the capture, and the
 * layout. */
void hak_cache_open(struct hak_cache *cache, const char *identity);
void hak_cache_close(struct hak_cache *cache);

/* A value, which the caller frees by sqlite3_free; NULL = it is not there. */
void *hak_cache_get(struct hak_cache *cache, int64_t kind, int64_t key, size_t *bytes);

/* Whether the cache, in memory or in its file, has a value of the key. */
bool hak_cache_has(struct hak_cache *cache, int64_t kind, int64_t key);

/* Keeps a copy; not without memory or over 2 GiB. Those between begin and end, if there are any,
 * are one transaction. */
void hak_cache_put(struct hak_cache *cache, int64_t kind, int64_t key, const void *data,
                   size_t bytes);
void hak_cache_begin(struct hak_cache *cache);
void hak_cache_end(struct hak_cache *cache);

#endif
