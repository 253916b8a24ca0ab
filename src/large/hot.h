/* The shortest way of a large block: takes the one that came last to this thread's BigCache, or
 * gives one there. For the plain build's malloc and free alone, inline; everything else
 * goes through large.h.
 *
 *   own --> | hot block, or NULL | last one taken | room: bytes it may have | rest of the cache |
 *
 * A free of the block that was taken last needs no look into the address map: its struct says
 * whether it is live and where. That struct may be another block's by now, at another address, or
 * in no use. Its base changes before it is live (hak_large_is_live_at), so that it never matches a
 * block that is not its own.
 *
 * May call: large, large_map. */
#ifndef HAK_LARGE_HOT_H
#define HAK_LARGE_HOT_H

#include "large_map/address_map.h"
#include "large/bigcache.h"

/* Takes the block that was freed last if it fits and its caller is the same. False: it does not,
 * or there is none. For any number of bytes, and any alignment that a page has. */
static inline bool hak_large_take_hot(size_t bytes, const void *caller, base_t *taken) {
    struct hak_bigcache *own = hak_bigcache_own;
    struct hak_large *hot = own->hot;
    if (HAK_UNLIKELY(!hot || hot->caller != caller || !hak_bigcache_fits(hot, bytes)))
        return false;
    own->hot = NULL;
    own->last = hot;
    atomic_store_explicit(&hot->state, HAK_LARGE_LIVE, memory_order_relaxed);
    *taken = hot->base;
    return true;
}

/* Keeps a live block as the one to be taken next. False: another one has that place, it is too
 * large, or it is time for a look. The count goes on meanwhile, below 0, too. */
static inline bool hak_large_keep_hot(struct hak_bigcache *own, struct hak_large *large) {
    if (HAK_UNLIKELY(own->hot || large->mapped_bytes > own->hot_room || --own->until_look < 0))
        return false;
    large->is_fresh = false;
    atomic_store_explicit(&large->state, HAK_LARGE_KEPT, memory_order_relaxed);
    own->hot = large;
    return true;
}

/* Keeps a block that is freed as the one to be taken next, if it is the one that was taken last.
 * False: it is not, or cannot be kept; nothing has changed. NULL is none: a struct that another
 * thread is about to fill may say that it is live at NULL. */
static inline bool hak_large_give_last(base_t base) {
    struct hak_bigcache *own = hak_bigcache_own;
    struct hak_large *last = own->last;
    return HAK_LIKELY(base.p && hak_large_is_live_at(last, base.p)) &&
           hak_large_keep_hot(own, last);
}

/* The same of any block; else as hak_large_give. */
static inline bool hak_large_give_hot(base_t base) {
    struct hak_bigcache *own = hak_bigcache_own;
    struct hak_large *large = hak_address_map_find(base.p);
    if (HAK_LIKELY(large != NULL) && hak_large_is_live_at(large, base.p) &&
        hak_large_keep_hot(own, large))
        return true;
    return hak_large_give(base);
}

#endif
