/* States of one stretch of the log after another, piled up until a run is made of them: bytes, not
 * a table, so that a run may speak of many blocks.
 *
 *   chunk's states, sorted -> layer |
 *   chunk's states, sorted -> layer |-> pile -> block by block, joined over all layers
 *   chunk's states, sorted -> layer |
 *
 * Within a layer states come by (process, base). The pile is read in ranges of bases: what all
 * layers have of one lies in memory at once, is sorted and joined. For one thread. */
#ifndef HAK_STORE_LIVE_PILE_H
#define HAK_STORE_LIVE_PILE_H

#include "base/bytes.h"
#include "store/live/table.h"

/* The states of a chunk. */
struct hak_live_layer {
    uint64_t first_id, ns; /* births and their times are counted from these */
    size_t start;          /* of its bytes */
    uint32_t states;
};

/* Where some states of a layer begin, to cut the bases into ranges. */
struct hak_live_mark {
    uint64_t base;
    uint32_t process, states;
};

struct hak_live_pile {
    struct hak_buffer bytes;
    struct hak_live_layer *layer;
    struct hak_live_mark *mark;
    uint32_t layers, layer_room, marks, mark_room;
    struct hak_live_state before; /* of the layer that is open: the last one put */
};

void hak_live_pile_free(struct hak_live_pile *p);
/* Forgets everything; its memory stays. */
void hak_live_pile_clear(struct hak_live_pile *p);
/* Begins a layer: of the chunk with event `first_id`, at `ns`. False when memory is out. */
bool hak_live_pile_begin(struct hak_live_pile *p, uint64_t first_id, uint64_t ns);
/* Puts a state on the layer that was begun last. False when memory is out. */
bool hak_live_pile_put(struct hak_live_pile *p, const struct hak_live_state *s);

/* ---- reading ---- */

struct hak_live_reading;
/* NULL when memory is out. The pile must stay as it is until the reading is closed. */
struct hak_live_reading *hak_live_reading_open(const struct hak_live_pile *p);
/* The next block that is left in another way than it was found: 1, 0 at the end, -1 when memory is
 * out. */
int hak_live_reading_next(struct hak_live_reading *r, struct hak_live_state *out);
void hak_live_reading_close(struct hak_live_reading *r);

#endif
