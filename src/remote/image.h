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

/* Takes the rows of `sizes`: (name, rows, bytes) of each table that has some. */
void hak_image_plan(struct hak_image *image, const struct hak_remote_tables *tables,
                    const PGresult *sizes);
/* Opens the image as a database of its own that nobody writes: the cache's, or one that is made
 * now. Each table that rows were pushed to is looked at on the server, and from here to the end of
 * the transaction nobody empties it or drops it: that waits. 0 or an error: a table has fewer rows
 * than were pushed, or more by far. An image with any more is not kept. */
int hak_image_open(const struct hak_image *image, struct hak_link *link,
                   const struct hak_remote_tables *tables, sqlite3 *layout, struct hak_cache *cache,
                   sqlite3 **out);

#endif
