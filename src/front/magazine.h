/* The magazine: a bounded array of free blocks for each class up to 1,024 B, with the TLS SLL
 * behind.
 *
 *   malloc --pop--> | magazine | --empty: magazine_refill--> from the TLS SLL, then from the slabs
 *   free ---push--> | magazine | --full: magazine_flush----> the older half onto the TLS SLL
 *                                                            an SLL over its cap: half into slabs
 *
 * The front of the original hakmem, kept for its faults' sake: it is on with layout header, with
 * HAKMEM_INJECT, or by its switch; the array front is off for these classes then. The list's links
 * lie in the free blocks themselves, behind the header (check_link_of).
 *
 * Who owns what: all of it belongs to its thread; no lock. magazine_flush and magazine_refill bear
 * the names that reports show and are called by entry's functions directly, so that a report reads
 * magazine_flush <- free <- program. */
#ifndef HAK_FRONT_MAGAZINE_H
#define HAK_FRONT_MAGAZINE_H

#include "front/front.h"
#include "front/sll.h"

struct hak_magazine {
    uint32_t count;
    uint32_t capacity;
    base_t *blocks; /* the last one is the newest */
    struct hak_sll list;
};

/* The calling thread's magazine of a class below HAK_MAGAZINE_CLASSES. */
HAK_HIDDEN struct hak_magazine *hak_magazine_of(unsigned class_index);

/* Maps magazines for a thread's block; NULL when there is no memory. */
HAK_HIDDEN struct hak_magazine *hak_magazines_make(void);

/* Everything in magazines and lists of this thread goes to the slabs. */
HAK_HIDDEN void hak_magazines_empty(void);

/* Puts blocks into an empty magazine: from the list, else from the slabs. It may stay empty. */
HAK_HIDDEN __attribute__((noinline)) void magazine_refill(unsigned class_index);

/* Makes room in a full magazine. */
HAK_HIDDEN __attribute__((noinline)) void magazine_flush(unsigned class_index);

/* The newest block; HAK_NO_BASE when there is no memory. */
static inline base_t hak_magazine_pop(unsigned class_index) {
    struct hak_magazine *magazine = hak_magazine_of(class_index);
    if (magazine->count == 0)
        magazine_refill(class_index);
    return magazine->count ? magazine->blocks[--magazine->count] : HAK_NO_BASE;
}

static inline void hak_magazine_push(unsigned class_index, base_t block) {
    struct hak_magazine *magazine = hak_magazine_of(class_index);
    if (magazine->count == magazine->capacity)
        magazine_flush(class_index);
    magazine->blocks[magazine->count] = block;
    atomic_signal_fence(memory_order_release); /* a fork may come in between: left.c */
    magazine->count++;
}

#endif
