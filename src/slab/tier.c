/* Tiers: a SuperSlab that was in good use and has little of it left is taken from last, so that it
 * empties and can go back. */
#include "slab/lists.h"

#include "hop.h"

/* A burst has ended when MANY_COOLED SuperSlabs drain, until they are FEW_COOLED: the ends of
 * requests that a program serves all the time are not worth a look. */
enum { MANY_COOLED = 8, FEW_COOLED = 2 };

enum hak_tier hak_tier_after(enum hak_tier tier, uint32_t used_bytes) {
    if (used_bytes == 0)
        return HAK_TIER_FREE;
    switch (tier) {
    case HAK_TIER_FREE:
        return used_bytes >= HAK_TIER_HOT_FROM ? HAK_TIER_HOT : HAK_TIER_FREE;
    case HAK_TIER_HOT:
        return used_bytes < HAK_TIER_HOT_FROM ? HAK_TIER_DRAINING : HAK_TIER_HOT;
    default:
        return used_bytes >= HAK_TIER_HOT_AGAIN ? HAK_TIER_HOT : HAK_TIER_DRAINING;
    }
}

void hak_tier_set(struct hak_superslab *superslab, enum hak_tier tier) {
    superslab->tier = (uint8_t)tier;
    superslab->hot_from = tier == HAK_TIER_FREE       ? HAK_TIER_HOT_FROM
                          : tier == HAK_TIER_DRAINING ? HAK_TIER_HOT_AGAIN
                                                      : UINT32_MAX;
    superslab->draining_below = tier == HAK_TIER_HOT        ? HAK_TIER_HOT_FROM
                                : tier == HAK_TIER_DRAINING ? 1
                                                            : 0;
}

/* The argument of a TIER record: the tier, the one before, and the share in use in thousandths. */
static uint64_t tier_argument(enum hak_tier tier, enum hak_tier before, uint32_t used_bytes) {
    const uint64_t all_bytes = (HAK_SLABS - 1) * HAK_SLAB_BYTES;
    return (uint64_t)tier | (uint64_t)before << 8 | used_bytes * UINT64_C(1000) / all_bytes << 16;
}

/* Puts the SuperSlab into the tier of its used bytes: other lists for it and its slabs, and a
 * record. */
static void change(struct hak_heap *heap, struct hak_superslab *superslab) {
    enum hak_tier before = superslab->tier;
    enum hak_tier tier = hak_tier_after(before, superslab->used_bytes);
    unlink_superslab(list_of(heap, superslab), superslab);
    hak_tier_set(superslab, tier);
    heap->cooled_superslabs += tier == HAK_TIER_DRAINING;
    heap->cooled_superslabs -= before == HAK_TIER_DRAINING;
    heap->had_burst = heap->cooled_superslabs > (heap->had_burst ? FEW_COOLED : MANY_COOLED);
    link_superslab(list_of(heap, superslab), superslab);
    hop_note(HAK_TIER, HAK_CLASS_NONE, superslab,
             tier_argument(tier, before, superslab->used_bytes));
    for (unsigned i = 1; i < HAK_SLABS; i++) {
        struct hak_slab *slab = &superslab->slabs[i];
        if (slab->list != HAK_UNLISTED)
            relist_slab(heap, slab, wanted_list(slab));
    }
}

bool hak_slab_find_fullest_draining(const struct hak_heap *heap, struct hak_staying *staying) {
    const struct hak_superslab *first = NULL, *second = NULL;
    unsigned count = 0;
    for (const struct hak_superslab *superslab = heap->cooled; superslab;
         superslab = superslab->next, count++) {
        if (!first || superslab->used_bytes > first->used_bytes) {
            second = first;
            first = superslab;
        } else if (!second || superslab->used_bytes > second->used_bytes) {
            second = superslab;
        }
    }
    *staying = (struct hak_staying){first, second};
    return count > 2;
}

unsigned hak_slab_part(const struct hak_staying *staying, const base_t *blocks, unsigned count,
                       base_t *going, base_t *kept) {
    unsigned goes = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct hak_superslab *superslab = hak_superslab_of(blocks[i].p);
        if (superslab->tier == HAK_TIER_DRAINING && superslab != staying->first &&
            superslab != staying->second)
            going[goes++] = blocks[i];
        else
            kept[i - goes] = blocks[i];
    }
    return goes;
}

void hak_tier_heat(struct hak_heap *heap, struct hak_superslab *superslab) {
    change(heap, superslab);
}

void hak_tier_cool(struct hak_heap *heap, struct hak_superslab *superslab) {
    change(heap, superslab);
}
