/* Chunks become the states of a stretch: used by the writer that makes runs and by the check that
 * makes them again. One pass over the columns; of each chunk only the blocks that are left in
 * another way than they were found go on the pile, sorted. */
#ifndef HAK_STORE_LIVE_GATHER_H
#define HAK_STORE_LIVE_GATHER_H

#include "store/codec/codec.h"
#include "store/live/pile.h"

struct hak_live_touched;
struct hak_live_gather {
    struct hak_live_pile pile;
    bool is_lossy; /* events were lost: nothing is left out */
    struct hak_live_touched *touched;
    struct hak_live_place *place, *scratch;
};

bool hak_live_gather_init(struct hak_live_gather *g); /* false when memory is out */
void hak_live_gather_free(struct hak_live_gather *g);
/* Adds a chunk; its column BASE must be numbered. False when memory is out. */
bool hak_live_gather_chunk(struct hak_live_gather *g, const struct hak_columns *c,
                           uint64_t first_id);

#endif
