/* Chunks become the states of a stretch: used by the writer that makes runs and by the check that
 * makes them again. One pass over the columns; of each chunk only the blocks that are left in
 * another way than they were found go on the pile, sorted. */
#ifndef HAK_STORE_LIVE_GATHER_H
#define HAK_STORE_LIVE_GATHER_H

#include "store/codec/codec.h"
#include "store/live/pile.h"

/* The last generation of a block that a chunk left something of. */
struct hak_live_seen {
    uint64_t base, generation;
    uint32_t process;
};

/* What one of the newest chunks left, sorted: events of the next may come before it. */
struct hak_live_recent {
    struct hak_live_seen *seen;
    uint32_t count, room;
};

struct hak_live_touched;
struct hak_live_gather {
    struct hak_live_pile pile;
    bool is_lossy; /* events were lost: nothing is left out */
    struct hak_live_recent recent[HAK_LIVE_GHOST_LAYERS + 1]; /* the first is of this chunk */
    struct hak_live_touched *touched;
    struct hak_live_place *place, *scratch;
};

bool hak_live_gather_init(struct hak_live_gather *g); /* false when memory is out */
void hak_live_gather_free(struct hak_live_gather *g);
/* Adds a chunk; its column BASE must be numbered. False when memory is out. */
bool hak_live_gather_chunk(struct hak_live_gather *g, const struct hak_columns *c,
                           uint64_t first_id);
/* Nothing is known any more. */
void hak_live_gather_clear(struct hak_live_gather *g);

#endif
