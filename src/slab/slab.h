/* Slabs: 64 KiB of slots of one class. Takes slots out and puts them back, for the owner's thread.
 *
 *   slab    | bitmap (below 64 B) | slot | slot | slot | ..... untouched ..... |
 *                                 + carved slots -----+
 *
 *   slot    untouched --carve--> out --give--> free (its bit is 1) --take--> out
 *   slab    free (no class) --acquire--> in its class's list while a slot is free or untouched
 *           --last slot taken--> in no list --a slot given--> in the list --all given--> free
 *
 * Nothing is ever written into a free slot: what is free is a bitmap. Free slots are taken before
 * untouched ones and lowest address first, so that pages fill up and the others can empty.
 *
 * Who owns what: everything here belongs to the heap of the calling thread; no lock, no atomics.
 *
 * May call: pool, platform. */
#ifndef HAK_SLAB_SLAB_H
#define HAK_SLAB_SLAB_H

#include "slab/heap.h"

/* Takes up to `wanted` slots of the class, in ascending order within a slab, into `out`. Returns
 * how many; 0 only when there is no memory. Moves no block for the records: the caller's hop does.
 */
HAK_HIDDEN unsigned hak_slab_take(struct hak_heap *heap, unsigned class_index, base_t *out,
                                  unsigned wanted);

/* Puts a slot back into its slab, which `heap` owns. A pointer that is not the start of a slot that
 * is out ends the program in the plain build; the debug build has told of it before and leaves it
 * alone. */
HAK_HIDDEN void hak_slab_give(struct hak_heap *heap, base_t block);

/* Counts and lists all slabs of a heap anew, whatever its thread was doing when a fork left it
 * behind. The caller owns the heap. */
HAK_HIDDEN void hak_slab_rebuild(struct hak_heap *heap);

/* Puts a slot back that was found in a cache of such a thread; does nothing where it is back
 * already, or is no slot of this class that is out. */
HAK_HIDDEN void hak_slab_give_left(struct hak_heap *heap, base_t block, unsigned class_index);

/* Gives back the slabs that are empty and stayed only because their class had no other: for a heap
 * that will be idle. */
HAK_HIDDEN void hak_slab_trim(struct hak_heap *heap);

/* Gives the pages of free slabs back to the kernel until at most `keep` free slabs have theirs.
 * Returns the bytes of these slabs. */
HAK_HIDDEN size_t hak_slab_purge(struct hak_heap *heap, unsigned keep);

/* To be called now and then: gives back the pages of as many free slabs as were never needed since
 * the last call. */
HAK_HIDDEN void hak_slab_decay(struct hak_heap *heap);

#endif
