/* The tables of a capture as one database, without the blobs of its large tables and without its
 * symbols if they are many (symbols.h). It is made once, of rows that come from the server all at
 * once, and is what the cache file begins with. */
#ifndef HAK_REMOTE_IMAGE_H
#define HAK_REMOTE_IMAGE_H

#include "remote/cache.h"
#include "remote/tables.h"

struct hak_symbols;

struct hak_image {
    struct {
        uint64_t rows, bytes; /* as they were pushed */
        bool is_known;        /* some were */
        bool is_late;         /* its rows are not in the database, but come by symbols.h */
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
                   struct hak_symbols *symbols, sqlite3 **out);

/* The most rows of a table to ask for: as many as were pushed and some more, to notice if there
 * are. */
uint64_t hak_image_rows_asked(const struct hak_image *image, int table);
/* Checks how many rows of a table came, of all or of one that was asked for: fewer than were pushed
 * are no answer, as somebody removed them, or emptied the table, which transactions that began
 * before see, too. 0 or an error. */
int hak_image_check_rows(const struct hak_image *image, const struct hak_link *link,
                         const struct hak_remote_tables *tables, int table, bool has_all,
                         uint64_t rows);

#endif
