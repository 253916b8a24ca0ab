/* The chain of a class: its first fronts, then its base, as the plan lists them.
 *
 *   free  --> UltraHot --full--> HeapV2 --full--> ... --full--> base
 *   malloc <-- the first one; empty: filled in a batch from the next that has blocks, or the slabs
 *
 *   base       what a free does when it is full        what fills it
 *   array      the older half to the slabs             slabs
 *   magazine   the older half onto the TLS SLL         TLS SLL, else slabs (magazine.c)
 *   SLL        half of it to the slabs                 slabs
 *   hot ring   goes on to the TLS SLL                  PROMOTE from the TLS SLL, which the slabs
 *                                                      fill
 *   none       the block goes to its slab at once      one block at a time
 *
 * Nothing ever moves from a first front to a later one, and from the ring nothing moves to the SLL:
 * a block that is freed takes the first place that it finds. The class is handed down and computed
 * once, by route.
 *
 * Ownership: caches lie in the thread's block; no lock. */
#ifndef HAK_FRONT_CHAIN_H
#define HAK_FRONT_CHAIN_H

#include "front/cache.h"

/* A block of a class whose way is CHAIN or NONE. HAK_NO_BASE when there is no memory. */
HAK_HIDDEN __attribute__((noinline)) base_t hak_chain_take(unsigned class_index);

/* Such a block comes back from the program by `kind` (HAK_FREE or HAK_REALLOC_FROM): it is recorded
 * with the place that takes it. */
HAK_HIDDEN __attribute__((noinline)) void hak_chain_give(unsigned class_index, base_t block,
                                                         enum hak_record_kind kind);

/* Fills the first cache of the class with up to `wanted` blocks, but no more than it has room for,
 * for a thread's start. Returns how many came. */
HAK_HIDDEN unsigned hak_chain_fill(unsigned class_index, unsigned wanted);

#endif
