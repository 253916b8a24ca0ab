/* Values of a capture that were fetched from its server: in memory, and, where there is a place for
 * it, in a file that later commands and other processes read, too.
 *
 *   put ---> here, in memory ---> the file, in one transaction: at the end, and each HERE_BYTES
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
    sqlite3 *here, *file;         /* NULL = none */
    sqlite3_stmt *get_here, *put; /* of `here` */
    sqlite3_stmt *get_file;
    size_t here_bytes; /* of values that are in no file */
    bool is_refused;   /* the file took no values: it is only read from then on */
    char *path;
};

/* Opens the cache in the file of `identity`, a text that names the server, the capture, and the
 * layout, and one in memory. */
void hak_cache_open(struct hak_cache *cache, const char *identity);

/* Writes what has gathered to the file, and closes and frees all. */
void hak_cache_close(struct hak_cache *cache);

/* A value, which the caller frees by sqlite3_free; NULL = it is not there. */
void *hak_cache_get(struct hak_cache *cache, int64_t kind, int64_t key, size_t *bytes);

/* Whether the cache, in memory or in its file, has a value of the key. */
bool hak_cache_has(struct hak_cache *cache, int64_t kind, int64_t key);
/* Keeps a copy in memory, and writes what has gathered to the file from time to time; kept not at
 * all without memory or over 2 GiB. */
void hak_cache_put(struct hak_cache *cache, int64_t kind, int64_t key, const void *data,
                   size_t bytes);

#endif
