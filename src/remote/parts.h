/* A store's rows, cut into parts for COPY. */
#ifndef HAK_REMOTE_PARTS_H
#define HAK_REMOTE_PARTS_H

#include "remote/tables.h"

/* Rows of one table in COPY's binary form, with head and end. */
struct hak_remote_part {
    const struct hak_remote_table *table;
    uint64_t number; /* of the store's parts, from 0 */
    uint64_t rows, value_bytes;
    uint64_t checksum; /* of its rows, without the capture's number */
    uint64_t so_far;   /* the same of all rows up to its end, wherever parts end */
    char *data;
    size_t bytes, room;
};

/* May keep `data` and set it to NULL. Anything but 0 ends the cutting and is returned. */
typedef int (*hak_remote_part_each)(void *context, struct hak_remote_part *part);

/* Cuts the rows of `store` and gives each part to `each`. The same rows give the same parts each
 * time. `capture` is in front of each row. 0 or an error. */
int hak_remote_cut(sqlite3 *store, const char *path, const struct hak_remote_tables *tables,
                   uint64_t capture, hak_remote_part_each each, void *context);

#endif
