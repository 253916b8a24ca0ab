/* Chunks become the states of a stretch: used by the writer that makes runs and by the check that
 * makes them again. One pass over the columns; only blocks that are left in another way than they
 * were found, a few of a chunk, are looked up in the table. */
#ifndef HAK_STORE_LIVE_GATHER_H
#define HAK_STORE_LIVE_GATHER_H

#include "store/column.h"
#include "store/live_table.h"

struct hak_live_touched;
struct hak_live_gather {
    struct hak_live_table table;
    bool is_lossy; /* events were lost: nothing is left out */
    uint8_t stamp; /* for the states that are touched from now on */
    struct hak_live_touched *touched;
};

bool hak_live_gather_init(struct hak_live_gather *g); /* false when memory is out */
void hak_live_gather_free(struct hak_live_gather *g);
/* Adds a chunk; its column BASE must be numbered. False when memory is out. */
bool hak_live_gather_chunk(struct hak_live_gather *g, const struct hak_columns *c,
                           uint64_t first_id);

#endif
