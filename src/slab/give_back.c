/* Gives pages back to the kernel with a bound on the work of one call, or leaves that to a thread.
 *
 *   free slabs, too many or too old --\
 *   slabs that wait to be thinned -----+--> at most MOST_PAGES in a call, together
 *   SuperSlabs that the pool has left ----> else one of them (pool.h)
 *
 * Each slow path of the heap's thread does so much, and the next goes on. Giving back 64 pages
 * takes some 20 us, twice as long where another thread of the process runs: the kernel interrupts
 * its processor for each call, however few pages go. With HAKMEM_BACKGROUND a slow path sends slabs
 * to the thread that does that (away.h), and none of it itself. */
#include <limits.h>
#include "pool/background.h"
#include "slab/lists.h"
#include "slab/tune.h"

enum { MOST_DIRTY = 64, MOST_REGRET = 4 };

/* Of one call: slabs, where their pages go back in one call of the kernel, else one; and pages. */
enum { MOST_SLABS = 16, MOST_PAGES = 64 };

/* Slabs that one call sends to the thread. */
enum { MOST_SENT = 64 };

/* 4 MiB, or a quarter of what is in use. More free slabs with pages are what a burst leaves behind,
 * perhaps with no slow path after it that could look. Slabs that are away are hardly in use. */
unsigned hak_slab_most_dirty(const struct hak_heap *heap) {
    unsigned most = (hak_slab_is_after_burst(heap) ? MOST_DIRTY / 2 : MOST_DIRTY) << heap->regret;
    unsigned active = heap->active_slabs, away = hak_away_count(heap);
    active -= away < active ? away : active;
    return active / 4 > most ? active / 4 : most;
}

/* More than half of what the last purge took was needed again: use swings, it was no burst. */
static bool was_wrong(const struct hak_heap *heap) {
    return (heap->slabs_retouched - heap->retouched_before) * 2 > heap->purged_at_bound;
}

void hak_slab_begin_purge(struct hak_heap *heap) {
    heap->was_at_bound = true;
    if (heap->purged_at_bound > 0 && was_wrong(heap) && heap->regret < MOST_REGRET) {
        heap->regret++;
        heap->purged_at_bound = 0;
        return;
    }
    heap->is_purging = true;
    heap->is_purge_of_age = false;
    heap->purge_keep = hak_slab_most_dirty(heap) / 2;
    heap->purge_most = UINT_MAX;
    heap->purged_before = heap->slabs_purged;
}

void hak_slab_begin_purge_of_age(struct hak_heap *heap, unsigned slabs) {
    heap->is_purging = heap->is_purge_of_age = true;
    heap->purge_keep = HAK_KEPT_SLABS;
    heap->purge_most = slabs;
}

/* Notes with each step how much a purge took: it may end long after the last one. */
static void note_step(struct hak_heap *heap) {
    if (heap->is_purge_of_age) {
        heap->dirty_slabs_low = heap->dirty_slabs;
        return;
    }
    heap->purged_at_bound = (uint32_t)(heap->slabs_purged - heap->purged_before);
    heap->retouched_before = heap->slabs_retouched;
}

/* One step of a purge; it ends where the limit is not reached. */
static void go_on_purging(struct hak_heap *heap, struct hak_give_back limit,
                          struct hak_ranges *ranges) {
    if (!heap->is_purge_of_age) /* the bound follows what is in use */
        heap->purge_keep = hak_slab_most_dirty(heap) / 2;
    unsigned most = limit.slabs < heap->purge_most ? limit.slabs : heap->purge_most;
    limit.slabs = most;
    hak_slab_collect_dirty(heap, heap->purge_keep, &limit, ranges);
    heap->purge_most -= most - limit.slabs;
    if (limit.slabs < most)
        note_step(heap);
    heap->is_purging = heap->purge_most > 0 && (limit.slabs == 0 || limit.pages == 0);
}

/* Sends to the thread what is to go. False: there is no place for it. */
static bool send(struct hak_heap *heap) {
    unsigned places = hak_away_places(heap);
    if (places == 0)
        return false;
    struct hak_give_back limit = {places < MOST_SENT ? places : MOST_SENT, UINT_MAX};
    hak_slab_collect_thin(heap, &limit, NULL);
    if (heap->is_purging && limit.slabs > 0)
        go_on_purging(heap, limit, NULL);
    hak_background_call();
    return true;
}

bool hak_slab_give_back_part(struct hak_heap *heap) {
    if (hak_background_is_there() && !heap->is_closing && send(heap))
        return true;
    hak_background_call();
    if (HAK_LIKELY(!heap->is_purging && !hak_slab_has_waiting(heap)))
        return hak_pool_unmap_some();
    struct hak_ranges ranges;
    hak_ranges_begin(&ranges);
    struct hak_give_back limit = {hak_ranges_go_together() ? MOST_SLABS : 1, MOST_PAGES};
    hak_slab_collect_thin(heap, &limit, &ranges);
    if (heap->is_purging && limit.slabs > 0 && limit.pages > 0)
        go_on_purging(heap, limit, &ranges);
    (void)hak_ranges_discard(&ranges);
    return true;
}
