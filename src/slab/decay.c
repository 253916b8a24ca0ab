/* Chooses the free slabs whose pages go back to the kernel: all when asked to, else those that
 * nobody needed for a purge delay. */
#include <limits.h>
#include "pool/pool.h"
#include "slab/lists.h"
#include "slab/tune.h"

/* Pages of a thin slab whose last block was freed, roughly. */
enum { THIN_PAGES = 4 };

_Atomic uint64_t hak_purge_delay_ticks = HAK_DECAY_TICKS;

void hak_slab_set_purge_delay(uint64_t ticks) {
    atomic_store_explicit(&hak_purge_delay_ticks, ticks, memory_order_relaxed);
}

/* Collects the pages of free slabs of a SuperSlab while the limit allows. Returns how many. */
static void collect_from(struct hak_heap *heap, struct hak_superslab *superslab,
                         struct hak_give_back *limit, struct hak_ranges *ranges) {
    for (uint32_t dirty = superslab->dirty_slabs; dirty && limit->slabs > 0 && limit->pages > 0;
         dirty &= dirty - 1) {
        unsigned index = (unsigned)__builtin_ctz(dirty);
        uint32_t bit = 1u << index;
        unsigned pages = superslab->thin_slabs & bit ? THIN_PAGES : HAK_PAGES_OF_SLAB;
        limit->pages -= pages < limit->pages ? pages : limit->pages;
        limit->slabs--;
        set_dirty(heap, superslab, superslab->dirty_slabs & ~bit);
        superslab->purged_slabs |= bit;
        superslab->thin_slabs &= ~bit;
        if (ranges)
            hak_ranges_add(ranges, (char *)superslab + index * HAK_SLAB_BYTES, HAK_SLAB_BYTES);
        else
            hak_away_send(heap, superslab, index, HAK_ALL_PAGES);
        heap->slabs_purged++;
    }
}

void hak_slab_collect_dirty(struct hak_heap *heap, unsigned keep, struct hak_give_back *limit,
                            struct hak_ranges *ranges) {
    struct hak_superslab *const lists[] = {heap->cooled, heap->room};
    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++)
        for (struct hak_superslab *superslab = lists[i];
             superslab && heap->dirty_slabs > keep && limit->slabs > 0 && limit->pages > 0;
             superslab = superslab->next) {
            unsigned others = limit->slabs, most = heap->dirty_slabs - keep;
            limit->slabs = others < most ? others : most;
            others -= limit->slabs;
            collect_from(heap, superslab, limit, ranges);
            limit->slabs += others;
        }
}

size_t hak_slab_purge(struct hak_heap *heap, unsigned keep) {
    struct hak_ranges ranges;
    hak_ranges_begin(&ranges);
    struct hak_give_back all = {.slabs = UINT_MAX, .pages = UINT_MAX};
    hak_slab_collect_dirty(heap, keep, &all, &ranges);
    return hak_ranges_discard(&ranges);
}

void hak_slab_decay(struct hak_heap *heap) {
    uint64_t now = hak_ticks();
    uint64_t delay = atomic_load_explicit(&hak_purge_delay_ticks, memory_order_relaxed);
    hak_pool_decay(now, delay);
    if (heap->is_purging || now - heap->decayed_at < delay)
        return;
    unsigned low = heap->dirty_slabs_low;
    heap->decayed_at = now;
    heap->dirty_slabs_low = heap->dirty_slabs;
    if (low > HAK_KEPT_SLABS)
        hak_slab_begin_purge_of_age(heap, low - HAK_KEPT_SLABS);
    if (!heap->was_at_bound && heap->regret > 0)
        heap->regret--;
    heap->was_at_bound = false;
    if (heap->swings > 0)
        heap->swings--;
}
