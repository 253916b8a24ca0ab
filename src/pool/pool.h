/* Gives SuperSlabs to heaps: maps them, keeps a few empty ones, unmaps the rest.
 *
 *   arena --map--> a heap owns it --release--> reserve --not claimed for a while--> unmap
 *                     ^              |            |
 *                     +-----claim----|------------+
 *                                    +--no place there--> unmap
 *
 * Ownership: a SuperSlab in the reserve belongs to nobody until it is claimed, any other to the
 * heap named by its `owner` and by the registry. Claiming and keeping are lock-free (reserve.h);
 * hak_registry_lock is held while an entry of the registry is made or taken away, never while the
 * kernel works: so whoever holds it and walks the registry sees none go.
 *
 * Order of stores: the registry says RESERVE before a SuperSlab is in its place, and names the new
 * owner after it was taken out; so each is written by who has it.
 *
 * After fork: the one that a thread just had in its hands here, on the way to or from the reserve
 * or the kernel, is lost to the child; those of the background thread come back to the reserve
 * where no other was on its way. Every SuperSlab that the registry names is mapped.
 *
 * May call: platform. */
#ifndef HAK_POOL_POOL_H
#define HAK_POOL_POOL_H

#include "platform/registry.h"
#include "superslab.h"

/* SuperSlabs that the reserve keeps; HAKMEM_SUPERSLAB_PREWARM may make it more. */
#define HAK_POOL_RESERVE 4

/* Takes a SuperSlab out of the reserve for heap `owner`, all slabs free, some of them perhaps with
 * pages. NULL when the reserve is empty. */
HAK_HIDDEN struct hak_superslab *hak_pool_claim(hak_owner_t owner);

/* Maps a SuperSlab for heap `owner`. NULL when there is no memory. */
HAK_HIDDEN struct hak_superslab *hak_pool_map(hak_owner_t owner);

/* Takes back a SuperSlab without a slab in use; the caller has taken it off its lists. */
HAK_HIDDEN void hak_pool_release(struct hak_superslab *superslab);

/* Some SuperSlab in the reserve is to go, as far as is known. */
HAK_HIDDEN extern _Atomic bool hak_pool_has_left;

/* Gives back a bounded part of a SuperSlab that is left over, or is to go because of its age.
 * False: there is none. */
HAK_HIDDEN bool hak_pool_unmap_some(void);

/* On the background thread: unmaps all that is left over, or is to go because of its age. Returns
 * the bytes. */
HAK_HIDDEN size_t hak_pool_unmap_left(void);

/* Whether one is in the reserve that is to go with time. */
HAK_HIDDEN bool hak_pool_has_aging(void);

/* Unmaps the reserve; returns the bytes of it. */
HAK_HIDDEN size_t hak_pool_trim(void);

/* Lets go, one after the other by hak_pool_unmap_some, what waits in the reserve for `delay` ticks
 * or more, but for as many as HAKMEM_SUPERSLAB_PREWARM asks for. Does nothing within `delay` of the
 * last call that did. `now` is hak_ticks(). */
HAK_HIDDEN void hak_pool_decay(uint64_t now, uint64_t delay);

/* Maps as many SuperSlabs into the reserve as HAKMEM_SUPERSLAB_PREWARM asks for; ends early without
 * memory. Once, at start. */
HAK_HIDDEN void hak_pool_prewarm(void);

/* Maps one SuperSlab into the reserve where that is empty: the program will not be able to. */
HAK_HIDDEN void hak_pool_stock(void);

/* SuperSlabs that are mapped from now on ask for huge pages, or decline them (as at the start). */
HAK_HIDDEN void hak_pool_set_huge_pages(bool huge);

/* Calls `visit` for what is in the reserve; hold hak_registry_lock, so that none goes away. */
HAK_HIDDEN void hak_pool_each_reserved(void (*visit)(struct hak_superslab *, void *),
                                       void *context);

/* Moves of SuperSlabs from and to the reserve. None was on its way between two moments if as many
 * were begun at the second as were ended at the first: else the registry may say RESERVE of one
 * that has no place there, or is a heap's. */
HAK_HIDDEN uint64_t hak_pool_moves_begun(void);
HAK_HIDDEN uint64_t hak_pool_moves_ended(void);

/* Counts anew, in the child of a fork, what threads that are not there had in their hands. Where a
 * signal handler forked in the middle of a move of its own thread, or some of the background thread
 * are lost, the counts stay unequal. */
HAK_HIDDEN void hak_pool_after_fork(void);

/* Gives back the registry's pages that mlockall has made the kernel fill (hak_registry_empty),
 * unless this thread holds the registry's lock. errno stays. Weak, for src/tree: hakmem-record.so
 * has no pool. */
HAK_HIDDEN void hak_pool_empty_registry(void) __attribute__((weak));

#endif
