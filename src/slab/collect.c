/* Takes slabs back that were away (away.h), now and then in slow paths, and before more are sent.
 */
#include "slab/lists.h"

/* A slab that serves a class is the heap's again. */
static void take_back_serving(struct hak_heap *heap, struct hak_superslab *superslab,
                              struct hak_slab *slab) {
    if (slab->used < slab->capacity)
        list_slab(heap, slab, wanted_list(slab));
    if (slab->used == 0)
        hak_slab_empty(heap, superslab, slab);
}

/* A free slab is the heap's again; `has_pages`: nothing of it went back. */
static void take_back_free(struct hak_heap *heap, struct hak_superslab *superslab, uint32_t bit,
                           bool has_pages) {
    if (has_pages) {
        superslab->purged_slabs &= ~bit;
        set_dirty(heap, superslab, superslab->dirty_slabs | bit);
    }
    if (superslab->free_slabs == HAK_ALL_SLABS_FREE && !superslab->away_slabs)
        hak_superslab_release(heap, superslab);
}

/* The SuperSlab may be gone after that. */
static void take_back(struct hak_heap *heap, const struct hak_returned *returned) {
    struct hak_superslab *superslab = returned->superslab;
    uint32_t bit = 1u << returned->index;
    if (superslab->away_twice_slabs & bit) { /* its second entry follows */
        superslab->away_twice_slabs &= ~bit;
        return;
    }
    superslab->away_slabs &= ~bit;
    if (superslab->class_of_slab[returned->index] == HAK_CLASS_NONE)
        take_back_free(heap, superslab, bit, returned->has_pages);
    else
        take_back_serving(heap, superslab, &superslab->slabs[returned->index]);
}

void hak_slab_collect(struct hak_heap *heap) {
    struct hak_returned returned;
    hak_away_look(heap);
    while (hak_away_next(heap, &returned))
        take_back(heap, &returned);
}

bool hak_slab_do_give_back(struct hak_heap *heap) {
    hak_slab_collect_away(heap);
    return hak_slab_give_back_part(heap);
}
