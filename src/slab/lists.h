/* The lists of a heap's SuperSlabs and slabs, and the count of its free slabs with pages. For slab/
 * only. */
#ifndef HAK_SLAB_LISTS_H
#define HAK_SLAB_LISTS_H

#include "slab/slab.h"

/* Bit i: slot i is free. */
static inline uint64_t *bitmap_of(struct hak_slab *slab) {
    return hak_class_bytes(slab->class_index) < 64 ? (uint64_t *)(void *)hak_slab_start(slab)
                                                   : slab->free_bits;
}

/* ---- SuperSlabs of the heap: two lists, with room and without -------------------------------- */

static inline void link_superslab(struct hak_superslab **list, struct hak_superslab *superslab) {
    superslab->prev = NULL;
    superslab->next = *list;
    if (*list)
        (*list)->prev = superslab;
    *list = superslab;
}

static inline void unlink_superslab(struct hak_superslab **list, struct hak_superslab *superslab) {
    if (superslab->prev)
        superslab->prev->next = superslab->next;
    else
        *list = superslab->next;
    if (superslab->next)
        superslab->next->prev = superslab->prev;
}

/* ---- slabs of a class with a free slot ------------------------------------------------------- */

static inline void list_slab(struct hak_heap *heap, struct hak_slab *slab) {
    struct hak_slab **list = &heap->classes[slab->class_index];
    slab->prev_in_class = NULL;
    slab->next_in_class = *list;
    if (*list)
        (*list)->prev_in_class = slab;
    *list = slab;
    slab->listed = 1;
}

static inline void unlist_slab(struct hak_heap *heap, struct hak_slab *slab) {
    if (slab->prev_in_class)
        slab->prev_in_class->next_in_class = slab->next_in_class;
    else
        heap->classes[slab->class_index] = slab->next_in_class;
    if (slab->next_in_class)
        slab->next_in_class->prev_in_class = slab->prev_in_class;
    slab->listed = 0;
}

/* ---- free slabs with pages ------------------------------------------------------------------- */

static inline void note_low(struct hak_heap *heap) {
    if (heap->dirty_slabs < heap->dirty_slabs_low)
        heap->dirty_slabs_low = heap->dirty_slabs;
}

static inline void set_dirty(struct hak_heap *heap, struct hak_superslab *superslab,
                             uint32_t slabs) {
    heap->dirty_slabs += (unsigned)__builtin_popcount(slabs);
    heap->dirty_slabs -= (unsigned)__builtin_popcount(superslab->dirty_slabs);
    superslab->dirty_slabs = slabs;
    note_low(heap);
}

#endif
