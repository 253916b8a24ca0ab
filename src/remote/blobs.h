/* The blobs of a capture's large tables, which come when they are read. */
#ifndef HAK_REMOTE_BLOBS_H
#define HAK_REMOTE_BLOBS_H

#include "remote/image.h"

struct hak_blobs {
    struct hak_link *link;
    const struct hak_remote_tables *tables;
    const struct hak_image *image;
    struct hak_cache *cache;
    sqlite3 *database;          /* the image */
    void (*end)(void *context); /* when the connection is closed */
    void *context;
    struct {
        sqlite3_int64 next; /* the key behind those that came last */
        int at_once;        /* rows of that question; 0 = none was asked */
    } table[HAK_REMOTE_TABLES];
};

/* Puts a view of the same name over each table of the image that lacks its blobs: its blobs are
 * hakmem_fetch(TABLE, KEY), a function of this connection that asks the cache, then the server. All
 * of `blobs` stays until `end` is called, also where this fails. False: an error of SQLite's. */
bool hak_blobs_add(struct hak_blobs *blobs);

#endif
