/* Tables of a capture that are kept here, in memory: each question to the server costs a way there
 * and back. Small ones come when the capture is opened, all at once; others when so much was asked
 * of them that they cost less than the answers did: whole, or, of a table with blobs, the other
 * columns, where these are numbers. */
#ifndef HAK_REMOTE_KEPT_H
#define HAK_REMOTE_KEPT_H

#include "remote/tables.h"

struct hak_remote_kept {
    sqlite3 *database; /* NULL = none is kept */
    struct {
        uint64_t rows, bytes; /* as they were pushed */
        unsigned asked, asked_narrow;
        bool is_known, is_kept, is_refused;
        bool is_narrow; /* it is here without its blobs */
    } table[HAK_REMOTE_TABLES];
};

/* Takes the rows of `sizes`, (name, rows, bytes) of each table that has some, and fetches the small
 * ones; of the others it notes that they have rows. 0 or an error: a table has fewer rows than were
 * pushed. */
int hak_remote_keep_small(struct hak_remote_kept *kept, struct hak_link *link,
                          const struct hak_remote_tables *tables, const PGresult *sizes);
/* A question about table number `at`, for its blobs, too, or not. 1: `database` has all that it
 * takes; 0: only the server has; or an error. */
int hak_remote_keep_asked(struct hak_remote_kept *kept, struct hak_link *link,
                          const struct hak_remote_tables *tables, int at, bool wants_blobs);
void hak_remote_kept_free(struct hak_remote_kept *kept);

#endif
