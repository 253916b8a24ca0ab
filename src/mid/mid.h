/* The mid layer: classes that no tiny front serves, behind a ring and an overflow list for each
 * thread.
 *
 *   malloc  <--pop--  | ring (the class's array, front.h) |  <--push--  free
 *                        | full:                  ^ empty:
 *                        | MID_OVERFLOW           | MID_RETURN
 *                        v                        |
 *                     | LIFO: addresses in segments of 62, 1 MiB of blocks for each thread |
 *                        | over its bytes, unused for a while, or the thread ends: MID_SPILL
 *                        v
 *                       slabs of the heap  --MID_REFILL--> ring
 *
 * Other threads' frees come through the heap's mail box, which is a queue of many producers and one
 * consumer, without a lock (front/remote.c); the SuperSlab's owner in the registry is what binds a
 * block to that queue. They are drained into the ring (DRAIN_MID).
 *
 * hak_mid_serves marks these classes; route writes it once at start. Nothing is written into a free
 * block: the list holds addresses. Nothing has a fixed number of places: segments come as they are
 * needed and serve again; only the bytes of the blocks in them are bounded.
 *
 * Ownership: all of it belongs to the thread that owns the heap; no lock. After a fork the child
 * may trust a segment's count and the links, which are stored last (front/left.c).
 *
 * May call: slab, platform. */
#ifndef HAK_MID_MID_H
#define HAK_MID_MID_H

#include <stdbool.h>
#include "size_class.h"
#include "slab/slab.h"

#define HAK_MID_LIFO_BYTES     ((size_t)1 << 20) /* of blocks in the lists of one thread */
#define HAK_MID_SEGMENT_PLACES 62

struct hak_mid; /* the lists of one thread */

/* True for the classes that mid serves. All false until route has read the options. */
HAK_HIDDEN extern bool hak_mid_serves[HAK_CLASSES];

static inline bool hak_mid_has(unsigned class_index) {
    return class_index < HAK_CLASSES && hak_mid_serves[class_index];
}

/* Takes up to `wanted` blocks for the ring: from the list, newest first, or else from the slabs,
 * lowest address first. Their hop is made (MID_RETURN, MID_REFILL). `mid` may be NULL. Returns how
 * many; 0: no memory. */
HAK_HIDDEN unsigned hak_mid_take(struct hak_heap *heap, struct hak_mid *mid, unsigned class_index,
                                 base_t *blocks, unsigned wanted);

/* Puts `count` blocks that a full ring cannot hold, the oldest first, onto the list (MID_OVERFLOW),
 * or into the slabs where the list has its bytes or there is no memory for a segment (MID_SPILL).
 * `*mid` is made when it is NULL. */
HAK_HIDDEN void hak_mid_give(struct hak_heap *heap, struct hak_mid **mid, unsigned class_index,
                             const base_t *blocks, unsigned count);

/* `count` blocks out of the ring, into the slabs at once. */
HAK_HIDDEN void hak_mid_spill(struct hak_heap *heap, unsigned class_index, const base_t *blocks,
                              unsigned count);

/* All lists into the slabs. `mid` may be NULL, here and below. */
HAK_HIDDEN void hak_mid_empty(struct hak_heap *heap, struct hak_mid *mid);

/* The same with at most `most` blocks, so that one call of many does not take long. */
HAK_HIDDEN void hak_mid_empty_some(struct hak_heap *heap, struct hak_mid *mid, uint32_t most);

/* Gives half of what was in a list all the time since the last call to the slabs. */
HAK_HIDDEN void hak_mid_decay(struct hak_heap *heap, struct hak_mid *mid);

/* Gives those blocks of all lists to the slabs that lie in SuperSlabs to be emptied (struct
 * hak_staying). */
HAK_HIDDEN void hak_mid_spill_draining(struct hak_heap *heap, struct hak_mid *mid,
                                       const struct hak_staying *staying);

/* The lists of a thread that a fork left behind, into the slabs (LEFT_SPILL). */
HAK_HIDDEN void hak_mid_empty_left(struct hak_heap *heap, struct hak_mid *mid);

/* Blocks in the list of the class, for statistics: of a thread that may be at work. */
HAK_HIDDEN size_t hak_mid_count(const struct hak_mid *mid, unsigned class_index);

/* Calls `visit` for each block in the list of the class, for checks, and returns how many blocks
 * the list should have. Any thread; memory of segments is never unmapped. */
HAK_HIDDEN size_t hak_mid_each(const struct hak_mid *mid, unsigned class_index,
                               void (*visit)(base_t block, void *context), void *context);

#endif
