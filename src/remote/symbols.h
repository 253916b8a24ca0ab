/* The symbols of a capture that has many: all of them, once one is asked for. */
#ifndef HAK_REMOTE_SYMBOLS_H
#define HAK_REMOTE_SYMBOLS_H

#include "remote/image.h"

enum { HAK_SYMBOL_COLUMNS = 6 };

struct hak_symbols {
    struct hak_link *link;
    const struct hak_remote_tables *tables;
    const struct hak_image *image;
    struct hak_cache *cache;
    uint64_t (*row)[HAK_SYMBOL_COLUMNS], rows; /* NULL: not asked for yet; for sqlite3_free */
};

/* Lets the database have a table of hak_symbols_replace. All of `symbols` stays until it is closed.
 * False: SQLite failed. */
bool hak_symbols_register(struct hak_symbols *symbols, sqlite3 *database);
/* Replaces the empty table `symbol` by a virtual one. False: SQLite failed. */
bool hak_symbols_replace(sqlite3 *database);

#endif
