/* The tables of a capture as one database in memory, without the blobs of its large tables. It is
 * made once, of rows that come from the server all at once; the cache keeps it for the next time.
 */
#ifndef HAK_REMOTE_IMAGE_H
#define HAK_REMOTE_IMAGE_H

#include "remote/cache.h"
#include "remote/tables.h"

struct hak_image {
    struct {
        uint64_t rows, bytes; /* as they were pushed */
        bool is_known;        /* some were */
        int blob;             /* the column that is NULL in the database; -1 = none */
    } table[HAK_REMOTE_TABLES];
};

/* Opens the image as a database of its own that nobody writes: the cache's, or one that is made
 * now by `schema`. `tables` are those of the schema; `sizes` has (name, rows, bytes) of each that
 * has some. Each table that rows were pushed to is looked at on the server, and from here to the
 * end of the transaction nobody empties it or drops it: that waits. 0 or an error: a table has
 * fewer rows than were pushed, or more by far. An image with any more is not kept. */
int hak_image_open(struct hak_image *image, struct hak_link *link, struct hak_remote_tables *tables,
                   const char *schema, const PGresult *sizes, struct hak_cache *cache,
                   sqlite3 **out);

#endif
