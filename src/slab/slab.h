/* Slabs: 64 KiB of slots of one class. Takes slots out and puts them back, for the owner's thread.
 *
 *   slab    | bitmap (below 64 B) | slot | slot | slot | ..... untouched ..... |
 *                                 + carved slots ------+
 *
 *   slot    untouched --carve--> out --give--> free (its bit is 1) --take--> out
 *   slab    UNUSED or EMPTY --acquire--> ACTIVE, in a list of its class while a slot can be had
 *           --last slot taken--> in no list --a slot given--> in a list --all given--> EMPTY
 *           --its pages go back--> UNUSED
 *
 * Slots come from: slabs with a useful part of a batch (READY), those with less (SCARCE), an EMPTY
 * slab (stage 1), slabs of SuperSlabs that are DRAINING, an UNUSED slab of the heap's SuperSlabs or
 * of one of the reserve (stage 2), a SuperSlab that is mapped (stage 3). In each list the slab that
 * came last is first: it is the fullest, and the others can empty.
 *
 *   tier    FREE --a quarter in use--> HOT --below a quarter--> DRAINING --3/8 in use--> HOT
 *           any --nothing in use--> FREE, and the SuperSlab goes to the pool with its last slab
 *
 * Nothing is ever written into a free slot: a bitmap marks the free ones. Free slots are taken
 * before untouched ones and lowest address first, so that pages fill up and the others can empty.
 *
 * Ownership: everything here belongs to the heap of the calling thread; no lock, no atomics.
 *
 * May call: pool, platform. */
#ifndef HAK_SLAB_SLAB_H
#define HAK_SLAB_SLAB_H

#include "pool/pool.h"
#include "slab/heap.h"

/* Bytes in the slots of a SuperSlab that are not free: below HOT_FROM it drains once it was HOT,
 * and is HOT again from HOT_AGAIN on, so that a use near the border does not change it each time.
 */
#define HAK_TIER_HOT_FROM  ((uint32_t)((HAK_SLABS - 1) * HAK_SLAB_BYTES / 4 + 1))
#define HAK_TIER_HOT_AGAIN ((uint32_t)((HAK_SLABS - 1) * HAK_SLAB_BYTES / 8 * 3))

/* The tier of a SuperSlab that was in `tier` and now has `used_bytes` in use. */
HAK_HIDDEN enum hak_tier hak_tier_after(enum hak_tier tier, uint32_t used_bytes);

/* Writes the tier and the borders at which it changes next, and no more. */
HAK_HIDDEN void hak_tier_set(struct hak_superslab *superslab, enum hak_tier tier);

/* Half of the heap's SuperSlabs drain, more than two, and use does not swing: they are a burst's
 * remains, whose pages and blocks in caches are not worth keeping for the next. */
static inline bool hak_slab_is_after_burst(const struct hak_heap *heap) {
    return heap->had_burst && heap->cooled_superslabs * 2 * (HAK_SLABS - 1) > heap->active_slabs &&
           heap->swings == 0;
}

/* Takes up to `wanted` slots of the class, in ascending order within a slab, into `out`. Returns
 * how many; fewer only when there is no memory. Moves no block for the records: the caller's hop
 * does. */
HAK_HIDDEN unsigned hak_slab_take(struct hak_heap *heap, unsigned class_index, base_t *out,
                                  unsigned wanted);

/* The same for a refill: content with a useful part of what is wanted (a quarter, at least one)
 * where one slab has it. 0 only when there is no memory. */
HAK_HIDDEN unsigned hak_slab_take_some(struct hak_heap *heap, unsigned class_index, base_t *out,
                                       unsigned wanted);

/* Puts a slot back into its slab, which `heap` owns. A pointer that is not the start of a slot in
 * use ends the program in the plain build; the debug build has reported it before and ignores it.
 */
HAK_HIDDEN void hak_slab_give(struct hak_heap *heap, base_t block);

/* Gives `count` slots back; the counts of a slab and its SuperSlab change once for each run of
 * neighbours in `blocks` that lie in one slab. */
HAK_HIDDEN void hak_slab_give_all(struct hak_heap *heap, const base_t *blocks, unsigned count);

/* Takes the slabs that HAKMEM_TINY_SS_PRECHARGE_C0.._C7 name for the heap of a thread that starts,
 * where the band has none yet. */
HAK_HIDDEN void hak_slab_precharge(struct hak_heap *heap);

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

/* The two SuperSlabs that are the fullest of those that drain. The others are to go, and what
 * caches hold in them keeps them. */
struct hak_staying {
    const struct hak_superslab *first, *second;
};

/* Stores the two fullest of the SuperSlabs that drain: they stay. False: no others drain. */
HAK_HIDDEN bool hak_slab_find_fullest_draining(const struct hak_heap *heap,
                                               struct hak_staying *staying);

/* Parts blocks that lie in caches of the heap: those in SuperSlabs that drain, but for the two that
 * stay, to `going`, the others to `kept`. Returns how many go. */
HAK_HIDDEN unsigned hak_slab_part(const struct hak_staying *staying, const base_t *blocks,
                                  unsigned count, base_t *going, base_t *kept);

/* Begins to give back the pages of as many free slabs as were never needed since the last time that
 * it did so, a purge delay ago (slab/tune.h); to be called now and then. Looks at the pool's
 * reserve, too. */
HAK_HIDDEN void hak_slab_decay(struct hak_heap *heap);

/* Takes slabs back whose pages the background thread has given back (slab/away.h): now and then in
 * slow paths. */
HAK_HIDDEN HAK_COLD void hak_slab_collect(struct hak_heap *heap);
static inline void hak_slab_collect_away(struct hak_heap *heap) {
    if (HAK_UNLIKELY(atomic_load_explicit(&heap->away, memory_order_relaxed) != NULL))
        hak_slab_collect(heap);
}

/* Gives back some of the pages that are to go, a bounded number; to be called in each slow path.
 * False: none were. */
HAK_HIDDEN HAK_COLD bool hak_slab_do_give_back(struct hak_heap *heap);
static inline bool hak_slab_give_back_some(struct hak_heap *heap) {
    bool waits = heap->is_purging || heap->next_few - heap->next_thinned > HAK_FEW_STAY ||
                 atomic_load_explicit(&hak_pool_has_left, memory_order_relaxed);
    return HAK_UNLIKELY(waits) && hak_slab_do_give_back(heap);
}

#endif
