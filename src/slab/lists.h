/* The lists of a heap's SuperSlabs and slabs, and the count of its free slabs with pages. For slab/
 * only. */
#ifndef HAK_SLAB_LISTS_H
#define HAK_SLAB_LISTS_H

#include "platform/discard.h"
#include "slab/away.h"
#include "slab/slab.h"

/* Free slots that make a slab worth a look before those with fewer; a batch is at most 32. */
enum { USEFUL_SLOTS = 8 };

/* SuperSlabs and slabs of what is DRAINING that are looked at in one go. */
enum { COOLED_LOOKS = 16 };

/* ---- SuperSlabs of the heap ------------------------------------------------------------------ */

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

/* The list in which a SuperSlab has to stand. */
static inline struct hak_superslab **list_of(struct hak_heap *heap,
                                             const struct hak_superslab *superslab) {
    if (superslab->tier == HAK_TIER_DRAINING)
        return &heap->cooled;
    return superslab->free_slabs ? &heap->room : &heap->full;
}

/* Changes the set of free slabs; the SuperSlab goes to another list if it has to. One that has a
 * free slab for the first time goes before the others: it is the fullest. */
static inline void set_free(struct hak_heap *heap, struct hak_superslab *superslab,
                            uint32_t slabs) {
    struct hak_superslab **before = list_of(heap, superslab);
    superslab->free_slabs = slabs;
    struct hak_superslab **after = list_of(heap, superslab);
    if (before != after) {
        unlink_superslab(before, superslab);
        link_superslab(after, superslab);
    }
}

/* ---- slabs of a class with a free slot ------------------------------------------------------- */

/* The list in which a slab with a free slot has to stand. */
static inline unsigned wanted_list(const struct hak_slab *slab) {
    if (hak_superslab_of(slab)->tier == HAK_TIER_DRAINING)
        return HAK_LISTED_COOLED;
    return slab->used < slab->ready_below ? HAK_LISTED_READY : HAK_LISTED_SCARCE;
}

static inline struct hak_slab **head_of(struct hak_heap *heap, unsigned class_index,
                                        unsigned list) {
    return &heap->classes[class_index].lists[list - HAK_LISTED_READY];
}

/* Puts a slab first into a list: the one added last is the fullest of it, so that the others
 * empty. */
static inline void list_slab(struct hak_heap *heap, struct hak_slab *slab, unsigned list) {
    struct hak_slab **head = head_of(heap, slab->class_index, list);
    slab->prev_in_list = NULL;
    slab->next_in_list = *head;
    if (*head)
        (*head)->prev_in_list = slab;
    *head = slab;
    slab->list = (uint8_t)list;
}

/* Takes the slab off its list of slabs with free slots. */
static inline void unlist_slab(struct hak_heap *heap, struct hak_slab *slab) {
    if (slab->prev_in_list)
        slab->prev_in_list->next_in_list = slab->next_in_list;
    else
        *head_of(heap, slab->class_index, slab->list) = slab->next_in_list;
    if (slab->next_in_list)
        slab->next_in_list->prev_in_list = slab->prev_in_list;
    slab->list = HAK_UNLISTED;
}

/* Moves the slab to another list of its class. */
static inline void relist_slab(struct hak_heap *heap, struct hak_slab *slab, unsigned list) {
    if (slab->list != HAK_UNLISTED)
        unlist_slab(heap, slab);
    list_slab(heap, slab, list);
}

/* True when no other slab of the class has a free slot. */
static inline bool is_last_with_room(const struct hak_heap *heap, const struct hak_slab *slab) {
    const struct hak_class_slabs *slabs = &heap->classes[slab->class_index];
    for (unsigned i = 0; i < HAK_SLAB_LISTS; i++)
        if (slabs->lists[i] && slabs->lists[i] != slab)
            return false;
    return !slab->next_in_list;
}

/* ---- free slabs with pages ------------------------------------------------------------------- */

static inline void lower_dirty_low(struct hak_heap *heap) {
    if (heap->dirty_slabs < heap->dirty_slabs_low)
        heap->dirty_slabs_low = heap->dirty_slabs;
}

/* Sets which free slabs have pages, and the heap's count of them. */
static inline void set_dirty(struct hak_heap *heap, struct hak_superslab *superslab,
                             uint32_t slabs) {
    heap->dirty_slabs += (unsigned)__builtin_popcount(slabs);
    heap->dirty_slabs -= (unsigned)__builtin_popcount(superslab->dirty_slabs);
    superslab->dirty_slabs = slabs;
    lower_dirty_low(heap);
}

/* The slabs are not thin from now on, as their free pages are about to be touched. */
static inline void note_thick(struct hak_heap *heap, struct hak_superslab *superslab,
                              uint32_t slabs) {
    if (HAK_LIKELY(!(superslab->thin_slabs & slabs)))
        return;
    heap->slabs_thick_again++;
    superslab->thin_slabs &= ~slabs;
}

/* ---- what one file of slab/ asks of another -------------------------------------------------- */

/* acquire.c: takes an EMPTY slab of a SuperSlab that is not DRAINING into the class's list; NULL
 * when there is none (stage 1). */
HAK_HIDDEN struct hak_slab *hak_slab_reuse(struct hak_heap *heap, unsigned class_index);
/* acquire.c: takes any other slab into the class's list (stages 2 and 3); NULL when there is no
 * memory. */
HAK_HIDDEN struct hak_slab *hak_slab_acquire(struct hak_heap *heap, unsigned class_index);
/* acquire.c: lets a slab without a slot in use, in no list, serve no class from now on; with the
 * last one its SuperSlab goes, too. */
HAK_HIDDEN void hak_slab_release(struct hak_heap *heap, struct hak_slab *slab);
/* give_back.c: free slabs that may keep their pages for a purge delay. */
HAK_HIDDEN unsigned hak_slab_most_dirty(const struct hak_heap *heap);
/* give_back.c: begins to give back, as too many free slabs have pages; or, if the last time proved
 * wrong, doubles the bound instead. */
HAK_HIDDEN HAK_COLD void hak_slab_begin_purge(struct hak_heap *heap);
/* give_back.c: begins to give back the pages of so many free slabs that nobody needed of late. */
HAK_HIDDEN void hak_slab_begin_purge_of_age(struct hak_heap *heap, unsigned slabs);
/* How much more may go back in a call. */
struct hak_give_back {
    unsigned slabs, pages;
};
/* decay.c: collects the pages of free slabs while the limit allows, and lowers it, but for `keep`
 * slabs of the heap. `ranges` NULL, here and in thin.c: the slabs are sent to the background
 * thread, and the limit is no more than there are places (away.h). */
HAK_HIDDEN void hak_slab_collect_dirty(struct hak_heap *heap, unsigned keep,
                                       struct hak_give_back *limit, struct hak_ranges *ranges);
/* thin.c: after a burst, notes a slab with one slot in use: it waits to be thinned. */
HAK_HIDDEN HAK_COLD void hak_slab_note_few(struct hak_heap *heap, struct hak_slab *slab);
/* thin.c: collects the unused pages of slabs that wait longest, if they still have one slot in use,
 * while the limit allows, and lowers it. */
HAK_HIDDEN HAK_COLD void hak_slab_collect_thin(struct hak_heap *heap, struct hak_give_back *limit,
                                               struct hak_ranges *ranges);
/* thin.c: whether a slab has waited for long enough. */
static inline bool hak_slab_has_waiting(const struct hak_heap *heap) {
    return heap->next_few - heap->next_thinned > HAK_FEW_STAY;
}
/* thin.c: forgets the slabs of a SuperSlab that is the heap's no longer. */
HAK_HIDDEN HAK_COLD void hak_slab_forget_few(struct hak_heap *heap,
                                             const struct hak_superslab *superslab);
/* acquire.c: releases a listed slab without a slot in use, or keeps it: the last slab of a class
 * stays, or a thread that takes and gives one block would acquire and release a slab each time its
 * cache runs over. But it does not hold a SuperSlab that drains, nor a whole one where the heap has
 * another. */
HAK_HIDDEN void hak_slab_empty(struct hak_heap *heap, struct hak_superslab *superslab,
                               struct hak_slab *slab);
/* give_back.c: hak_slab_do_give_back after slabs that were away are the heap's again. */
HAK_HIDDEN HAK_COLD bool hak_slab_give_back_part(struct hak_heap *heap);
/* acquire.c: gives a SuperSlab that has no slab in use, and stands in its list, to the pool. */
HAK_HIDDEN void hak_superslab_release(struct hak_heap *heap, struct hak_superslab *superslab);

/* Begins to give pages back where more free slabs have them than may. */
static inline void hak_slab_bound_dirty(struct hak_heap *heap) {
    if (heap->dirty_slabs > hak_slab_most_dirty(heap) && !heap->is_purging)
        hak_slab_begin_purge(heap);
}

/* tier.c: the tier changes with used_bytes; in files' order: rises, falls. */
HAK_HIDDEN HAK_COLD void hak_tier_heat(struct hak_heap *heap, struct hak_superslab *superslab);
HAK_HIDDEN HAK_COLD void hak_tier_cool(struct hak_heap *heap, struct hak_superslab *superslab);

/* Counts bytes as used; from a bound on the SuperSlab becomes hot. */
static inline void raise_used(struct hak_heap *heap, struct hak_superslab *superslab,
                              size_t bytes) {
    superslab->used_bytes += (uint32_t)bytes;
    if (HAK_UNLIKELY(superslab->used_bytes >= superslab->hot_from))
        hak_tier_heat(heap, superslab);
}

/* Counts bytes as unused; below a bound the SuperSlab begins to drain. */
static inline void lower_used(struct hak_heap *heap, struct hak_superslab *superslab,
                              size_t bytes) {
    superslab->used_bytes -= (uint32_t)bytes;
    if (HAK_UNLIKELY(superslab->used_bytes < superslab->draining_below))
        hak_tier_cool(heap, superslab);
}

#endif
