/* The shortest way of a large block: takes the one that came last to this thread's BigCache, or
 * gives one there. For the plain build's malloc and free alone, inline; everything else
 * goes through large.h.
 *
 *   own --> | hot block, or NULL | room: bytes it may have | gives | look | rest of the cache |
 *
 * May call: large, large_map. */
#ifndef HAK_LARGE_HOT_H
#define HAK_LARGE_HOT_H

#include "large_map/address_map.h"
#include "large/bigcache.h"

/* Takes the block that was freed last if it fits and its caller is the same; else as
 * hak_large_take. For any alignment that a page has. */
static inline base_t hak_large_take_hot(size_t bytes, const void *caller) {
    struct hak_bigcache *own = hak_bigcache_own;
    struct hak_large *hot = own ? own->hot : NULL;
    if (HAK_UNLIKELY(!hot || hot->caller != caller || !hak_bigcache_fits(hot, bytes)))
        return hak_large_take(bytes, 0, caller);
    own->hot = NULL;
    atomic_store_explicit(&hot->state, HAK_LARGE_LIVE, memory_order_relaxed);
    return hot->base;
}

/* Keeps a freed block as the one to be taken next if that place is empty; else as hak_large_give.
 */
static inline bool hak_large_give_hot(base_t base) {
    struct hak_bigcache *own = hak_bigcache_own;
    struct hak_large *large = hak_address_map_find(base.p);
    if (HAK_UNLIKELY(!large || !own || own->hot || large->mapped_bytes > own->hot_room ||
                     atomic_load_explicit(&large->state, memory_order_relaxed) != HAK_LARGE_LIVE ||
                     ++own->gives % HAK_BIGCACHE_LOOK_EVERY == 0))
        return hak_large_give(base);
    large->is_fresh = false;
    large->look = own->look;
    atomic_store_explicit(&large->state, HAK_LARGE_KEPT, memory_order_relaxed);
    own->hot = large;
    return true;
}

#endif
