/* Repairs the slabs of a heap whose thread a fork left behind (front/left.c says why that can be
 * done). */
#include <string.h>
#include "hop.h"
#include "platform/registry.h"
#include "slab/lists.h"

/* Counts the free slots of those that were carved. */
static unsigned count_free(struct hak_slab *slab) {
    const uint64_t *bits = slab->bits;
    unsigned count = 0;
    for (unsigned word = 0; word < (slab->carved + 63) / 64; word++)
        count += (unsigned)__builtin_popcountll(bits[word]);
    return count;
}

/* Sets the used bytes and the tier of a SuperSlab whose slabs are counted. */
static void rebuild_tier(struct hak_superslab *superslab) {
    size_t used_bytes = 0;
    for (unsigned i = 1; i < HAK_SLABS; i++)
        if (superslab->class_of_slab[i] != HAK_CLASS_NONE)
            used_bytes += superslab->slabs[i].used * hak_class_bytes(superslab->class_of_slab[i]);
    superslab->used_bytes = (uint32_t)used_bytes;
    enum hak_tier before = superslab->tier == HAK_TIER_FREE ? HAK_TIER_FREE : HAK_TIER_DRAINING;
    hak_tier_set(superslab, hak_tier_after(before, superslab->used_bytes));
}

/* Counts a SuperSlab's slabs anew: only classes, bitmaps and `carved` are believed. Returns the
 * free slabs. */
static uint32_t rebuild_slabs(struct hak_superslab *superslab) {
    uint32_t free_slabs = 0;
    for (unsigned i = 1; i < HAK_SLABS; i++) {
        struct hak_slab *slab = &superslab->slabs[i];
        unsigned class_index = superslab->class_of_slab[i];
        slab->list = HAK_UNLISTED;
        if (class_index == HAK_CLASS_NONE) {
            free_slabs |= 1u << i;
            slab->carved = 0; /* its pages may be gone, and its bits with them */
            continue;
        }
        slab->used = slab->carved - count_free(slab);
        slab->first_free_word = 0;
    }
    return free_slabs;
}

/* Rebuilds lists, tier and sums of a SuperSlab of the heap from its slabs' bitmaps. Others are
 * skipped. */
static void rebuild_superslab(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    struct hak_heap *heap = context;
    if (owner != heap->id)
        return;
    uint32_t free_slabs = rebuild_slabs(superslab);
    superslab->free_slabs = superslab->dirty_slabs = free_slabs;
    superslab->purged_slabs = superslab->away_slabs = 0;
    rebuild_tier(superslab);
    for (unsigned i = 1; i < HAK_SLABS; i++) {
        struct hak_slab *slab = &superslab->slabs[i];
        if (superslab->class_of_slab[i] != HAK_CLASS_NONE && slab->used < slab->capacity)
            list_slab(heap, slab, wanted_list(slab));
    }
    heap->dirty_slabs += (unsigned)__builtin_popcount(superslab->dirty_slabs);
    heap->active_slabs += (unsigned)__builtin_popcount(HAK_ALL_SLABS_FREE & ~free_slabs);
    heap->cooled_superslabs += superslab->tier == HAK_TIER_DRAINING;
    atomic_store_explicit(&superslab->owner, heap->id, memory_order_relaxed);
    link_superslab(list_of(heap, superslab), superslab);
}

/* Releases the heap's SuperSlabs in which no slab serves a class. */
static void release_empty_superslabs(struct hak_heap *heap) {
    struct hak_superslab *next;
    for (struct hak_superslab *superslab = heap->room; superslab; superslab = next) {
        next = superslab->next;
        if (superslab->free_slabs == HAK_ALL_SLABS_FREE)
            hak_superslab_release(heap, superslab);
    }
}

void hak_slab_rebuild(struct hak_heap *heap) {
    heap->room = heap->full = heap->cooled = NULL;
    memset(heap->classes, 0, sizeof heap->classes);
    heap->dirty_slabs = heap->active_slabs = heap->cooled_superslabs = 0;
    heap->had_burst = false;
    memset(heap->few, 0, sizeof heap->few);
    hak_away_forget(heap);
    hak_lock(&hak_registry_lock);
    hak_registry_each(rebuild_superslab, heap);
    hak_unlock(&hak_registry_lock);
    release_empty_superslabs(heap);
    heap->has_empty = true;
    heap->dirty_slabs_low = heap->dirty_slabs;
}

/* Whether `block` is a slot of this heap and class that the slab counts as given out. */
static bool is_out(const struct hak_heap *heap, base_t block, unsigned class_index) {
    if (hak_registry_owner(block.p) != heap->id)
        return false;
    struct hak_superslab *superslab = hak_superslab_of(block.p);
    unsigned index = hak_slab_index_of(block.p);
    if (superslab->class_of_slab[index] != class_index || !hak_is_slot_start(block.p, class_index))
        return false;
    struct hak_slab *slab = &superslab->slabs[index];
    size_t offset = (size_t)(block.p - hak_slab_start(slab));
    size_t first_offset = hak_first_slot_offset(class_index);
    if (offset < first_offset)
        return false;
    unsigned slot = hak_slot_index(class_index, offset - first_offset);
    return slot < slab->carved && !(slab->bits[slot / 64] >> (slot & 63) & 1);
}

void hak_slab_give_left(struct hak_heap *heap, base_t block, unsigned class_index) {
    if (!is_out(heap, block, class_index))
        return;
    hop(HAK_LEFT_SPILL, block, class_index);
    hak_slab_give(heap, block);
}
