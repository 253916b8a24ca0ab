/* Lets learning set and measure the slabs: how soon pages go back, huge pages, how full the
 * SuperSlabs are.
 *
 * Ownership: the settings belong to the process (atomic words, any thread); a measurement is made
 * by the heap's own thread.
 *
 * Thread and signal safety: nothing here takes a lock or allocates. */
#ifndef HAK_SLAB_TUNE_H
#define HAK_SLAB_TUNE_H

#include "slab/heap.h"

/* Free slabs of a heap that keep their pages however long they are not needed. */
#define HAK_KEPT_SLABS 4u

HAK_HIDDEN extern _Atomic uint64_t hak_purge_delay_ticks;

/* How long a free slab keeps its pages, and a spare SuperSlab its place in the reserve, unused; in
 * ticks (hak_ticks). Looked at on slow paths, so it is a lower bound. */
HAK_HIDDEN void hak_slab_set_purge_delay(uint64_t ticks);

/* Asks for huge pages, or declines them, in all SuperSlabs of the heap; the pool has a setting of
 * its own for those mapped from now on (hak_pool_set_huge_pages). */
HAK_HIDDEN void hak_slab_advise_huge(const struct hak_heap *heap, bool huge);

/* The counts of hak_slab_measure. */
struct hak_memory_use {
    unsigned superslabs;
    unsigned full_superslabs; /* those with at least the share asked for of their bytes in use */
    unsigned active_slabs;    /* serve a class */
    unsigned empty_slabs;     /* serve none and have pages */
    uint64_t used_bytes;      /* in slots that are not free */
    uint64_t slabs_purged;    /* since the start; those whose pages went back */
    uint64_t slabs_retouched; /* of these: taken again while their SuperSlab had the same owner */
};

/* Measures the calling thread's heap. `threshold` is a share in millionths. */
HAK_HIDDEN void hak_slab_measure(const struct hak_heap *heap, uint64_t threshold,
                                 struct hak_memory_use *use);

#endif
