/* Makes the states of a stretch from its chunks: used by the writer that makes runs and by the
 * check that makes them again. One pass over the columns; of each chunk only the blocks whose state
 * it changes are joined to the states of the stretch. */
#ifndef HAK_STORE_LIVE_GATHER_H
#define HAK_STORE_LIVE_GATHER_H

#include "store/codec/codec.h"
#include "store/live/table.h"

struct hak_live_touched;
struct hak_live_gather {
    struct hak_live_table table; /* of the stretch so far */
    uint32_t most;               /* states that a run has about; tests make it small */
    uint32_t sorted;             /* the first so many states are in order, one for each block */
    bool is_lossy;               /* events were lost: nothing is left out */
    struct hak_live_touched *touched;
};

bool hak_live_gather_init(struct hak_live_gather *g); /* false when memory is out */
void hak_live_gather_free(struct hak_live_gather *g);
/* Adds a chunk; its column BASE must be numbered. False when memory is out. */
bool hak_live_gather_chunk(struct hak_live_gather *g, const struct hak_columns *c,
                           uint64_t first_id);
/* The states of the stretch in order, joined, and only those that a run needs: table.state. False
 * when memory is out. */
bool hak_live_gather_sort(struct hak_live_gather *g);
/* Three quarters of `most` were needed when the states were last in order. */
static inline bool hak_live_gather_is_full(const struct hak_live_gather *g) {
    return g->sorted >= g->most / 4 * 3;
}
/* A new stretch begins. */
void hak_live_gather_clear(struct hak_live_gather *g);

#endif
