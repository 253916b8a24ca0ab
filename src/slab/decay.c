/* Gives the pages of free slabs back to the kernel: all of them when asked to, else by and by. */
#include "platform/discard.h"
#include "pool/pool.h"
#include "slab/lists.h"
#include "slab/tune.h"

/* Slabs that go back because of their age in a part of the delay: no call may take long. The rest
 * goes with the next calls, and a call that comes late gives back for some parts at once. */
enum { DECAYED_AT_ONCE = 32, PARTS_OF_DELAY = 16, MOST_PARTS_AT_ONCE = 4 };

_Atomic uint64_t hak_purge_delay_ticks = HAK_DECAY_TICKS;

void hak_slab_set_purge_delay(uint64_t ticks) {
    atomic_store_explicit(&hak_purge_delay_ticks, ticks, memory_order_relaxed);
}

/* Collects the pages of at most `most` slabs, neighbours together. */
static void purge_superslab(struct hak_heap *heap, struct hak_superslab *superslab, unsigned most,
                            struct hak_ranges *ranges) {
    unsigned purged = 0;
    while (superslab->dirty_slabs && purged < most) {
        uint32_t dirty = superslab->dirty_slabs;
        unsigned first = (unsigned)__builtin_ctz(dirty), count = 0;
        while (first + count < HAK_SLABS && (dirty >> (first + count) & 1) && purged < most) {
            count++;
            purged++;
        }
        uint32_t slabs = ((1u << count) - 1) << first;
        set_dirty(heap, superslab, dirty & ~slabs);
        superslab->purged_slabs |= slabs;
        superslab->thin_slabs &= ~slabs;
        hak_ranges_add(ranges, (char *)superslab + first * HAK_SLAB_BYTES, count * HAK_SLAB_BYTES);
    }
    heap->slabs_purged += purged;
}

/* Collects pages of free slabs, SuperSlab by SuperSlab, until the heap has `keep` dirty slabs. */
static void purge_list(struct hak_heap *heap, struct hak_superslab *list, unsigned keep,
                       struct hak_ranges *ranges) {
    for (struct hak_superslab *superslab = list; superslab && heap->dirty_slabs > keep;
         superslab = superslab->next)
        purge_superslab(heap, superslab, heap->dirty_slabs - keep, ranges);
}

size_t hak_slab_purge(struct hak_heap *heap, unsigned keep) {
    struct hak_ranges ranges;
    ranges.count = 0;
    ranges.given_back_bytes = 0;
    purge_list(heap, heap->cooled, keep, &ranges);
    purge_list(heap, heap->room, keep, &ranges);
    return hak_ranges_discard(&ranges);
}

/* How many slabs may go back in a call that comes `late` ticks after it was due. */
static unsigned count_for_call(uint64_t late, uint64_t delay) {
    uint64_t part = delay / PARTS_OF_DELAY, parts = part ? 1 + late / part : 1;
    return DECAYED_AT_ONCE * (unsigned)(parts < MOST_PARTS_AT_ONCE ? parts : MOST_PARTS_AT_ONCE);
}

void hak_slab_decay(struct hak_heap *heap) {
    uint64_t now = hak_ticks();
    uint64_t delay = atomic_load_explicit(&hak_purge_delay_ticks, memory_order_relaxed);
    hak_pool_decay(now, delay);
    if (now - heap->decayed_at < delay)
        return;
    unsigned low = heap->dirty_slabs_low;
    unsigned unused = low > HAK_KEPT_SLABS ? low - HAK_KEPT_SLABS : 0;
    unsigned at_once = count_for_call(now - heap->decayed_at - delay, delay);
    if (unused > at_once) {
        (void)hak_slab_purge(heap, heap->dirty_slabs - at_once);
        heap->dirty_slabs_low = low - at_once;
        heap->decayed_at = now - delay + delay / PARTS_OF_DELAY;
        return;
    }
    heap->decayed_at = now;
    (void)hak_slab_purge(heap, heap->dirty_slabs - unused);
    heap->dirty_slabs_low = heap->dirty_slabs;
    if (!heap->was_at_bound && heap->regret > 0)
        heap->regret--;
    heap->was_at_bound = false;
    if (heap->swings > 0)
        heap->swings--;
}
