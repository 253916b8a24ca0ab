/* The magazine: a bounded stack of free blocks for each class up to 1,024 B, with the TLS SLL
 * behind.
 *
 *   malloc --pop--> | magazine | --empty: magazine_refill--> from the TLS SLL, then from the slabs
 *   free ---push--> | magazine | --full: magazine_flush----> the older half onto the TLS SLL
 *                                                            an SLL over its cap: half into slabs
 *
 * The front of the original hakmem, kept for its faults' sake: it is on with HAKMEM_INJECT or
 * by its switch; the array front is off for these classes then. Both are caches
 * (cache.h), next to each other in the chain of their class.
 *
 * Ownership: all of it belongs to its thread; no lock. magazine_flush and magazine_refill have the
 * names that reports show and are called by entry's functions directly, so that a report reads
 * magazine_flush <- free <- program. */
#ifndef HAK_FRONT_MAGAZINE_H
#define HAK_FRONT_MAGAZINE_H

#include "front/chain.h"
#include "front/sll.h"

/* The calling thread's magazine of a class whose base is a magazine and a TLS SLL. */
HAK_HIDDEN struct hak_cache *hak_magazine_of(unsigned class_index);

/* Puts blocks into an empty magazine: from the list, else from the slabs. It may stay empty. */
HAK_HIDDEN __attribute__((noinline)) void magazine_refill(unsigned class_index);

/* Makes room in a full magazine. */
HAK_HIDDEN __attribute__((noinline)) void magazine_flush(unsigned class_index);

/* The newest block; HAK_NO_BASE when there is no memory. */
static inline base_t hak_magazine_pop(unsigned class_index) {
    struct hak_cache *magazine = hak_magazine_of(class_index);
    if (magazine->count == 0)
        magazine_refill(class_index);
    return magazine->count ? magazine->blocks[--magazine->count] : HAK_NO_BASE;
}

/* Puts the block on top; magazine_flush makes room first if it is full. */
static inline void hak_magazine_push(unsigned class_index, base_t block) {
    struct hak_cache *magazine = hak_magazine_of(class_index);
    if (hak_cache_is_full(magazine))
        magazine_flush(class_index);
    magazine->blocks[magazine->count] = block;
    atomic_signal_fence(memory_order_release); /* a fork may come in between: left.c */
    magazine->count++;
}

#endif
