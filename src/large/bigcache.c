/* The threads' caches of large blocks, and the bytes that they share. */
#include "large/bigcache.h"

#include <stdatomic.h>
#include "hop.h"
#include "large_map/memory.h"
#include "large/page_bins.h"
#include "options.h"
#include "platform/platform.h"

#define SHARE_STEP_BYTES ((uint64_t)256 << 10)

enum { KEPT_LOOKED_AT = 4 };

/* A cache keeps an eighth of what large blocks have in use, but at least so many bytes: a thread
 * that has freed its blocks may make no call any more. Where they had no more than BURST_BYTES at
 * one moment of late, it keeps three quarters of that: this is no burst. */
#define BURST_BYTES ((uint64_t)16 << 20)
static uint64_t least_bytes = (uint64_t)1 << 20;
enum { KEPT_SHARE = 8, EVICTED_AT_ONCE = 2 };

enum owner { OWNER_NONE, OWNER_THREAD, OWNER_LEFT };

struct cache {
    struct hak_bigcache head;  /* its hot block is not counted in `bytes` */
    int32_t until_look_before; /* its until_look when the hot block's look was noted */
    struct cache *next_made;
    _Atomic uint32_t owner; /* enum owner */
    _Atomic uint64_t share; /* written by its owner only */
    uint64_t bytes;         /* of the blocks in the lists */
    uint64_t looked_at;     /* ticks */
    uint64_t most_used;     /* by large blocks at one moment, halved at each look */
    struct hak_large *newest, *oldest;
    struct hak_large *bins[HAK_PAGE_BINS];
};

static _Atomic(struct cache *) newest_made;
static _Atomic uint64_t shared; /* the sum of all shares */
static _Atomic bool has_left;   /* a fork left caches behind */
static bool is_child;           /* of a fork: blocks in other threads' hands are lost */

static struct hak_large no_large = {.state = HAK_LARGE_KEPT};
struct hak_bigcache hak_bigcache_none = {.last = &no_large};
_Thread_local struct hak_bigcache *hak_bigcache_own __attribute__((tls_model("initial-exec"))) =
    &hak_bigcache_none;
static _Thread_local bool has_ended __attribute__((tls_model("initial-exec")));

/* The calling thread's cache, or NULL. */
static struct cache *own_cache(void) {
    return hak_bigcache_own == &hak_bigcache_none ? NULL : (struct cache *)(void *)hak_bigcache_own;
}

/* ---- lists ---------------------------------------------------------------------------------- */

static unsigned bin_of(const struct hak_large *large) {
    return hak_page_bin(large->mapped_bytes / HAK_PAGE_BYTES);
}

/* Puts the block first into its bin and makes it the newest of all. */
static void link(struct cache *cache, struct hak_large *large) {
    struct hak_large **bin = &cache->bins[bin_of(large)];
    large->prev = NULL;
    large->next = *bin;
    large->newer = NULL;
    large->older = cache->newest;
    atomic_signal_fence(memory_order_release); /* a fork may come in between */
    *bin = large;
    if (large->next)
        large->next->prev = large;
    if (large->older)
        large->older->newer = large;
    else
        cache->oldest = large;
    cache->newest = large;
}

/* Takes the block out of its bin and out of the order by age. */
static void unlink_block(struct cache *cache, struct hak_large *large) {
    if (large->prev)
        large->prev->next = large->next;
    else
        cache->bins[bin_of(large)] = large->next;
    atomic_signal_fence(memory_order_release);
    if (large->next)
        large->next->prev = large->prev;
    if (large->newer)
        large->newer->older = large->older;
    else
        cache->newest = large->older;
    if (large->older)
        large->older->newer = large->newer;
    else
        cache->oldest = large->newer;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static uint64_t share_of(const struct cache *cache) {
    return atomic_load_explicit(&cache->share, memory_order_relaxed);
}

/* Takes more of the process's share for `wanted` bytes in all, by whole steps or what is left.
 * False: not enough left. */
static bool grow_share(struct cache *cache, uint64_t wanted) {
    uint64_t maximum = hak_options.bigcache_max_bytes, share = share_of(cache);
    uint64_t more = (wanted - share + SHARE_STEP_BYTES - 1) / SHARE_STEP_BYTES * SHARE_STEP_BYTES;
    uint64_t now = atomic_load_explicit(&shared, memory_order_relaxed);
    do {
        if (now >= maximum || maximum - now < wanted - share)
            return false;
        if (more > maximum - now)
            more = maximum - now;
    } while (!atomic_compare_exchange_weak_explicit(&shared, &now, now + more, memory_order_relaxed,
                                                    memory_order_relaxed));
    atomic_store_explicit(&cache->share, share + more, memory_order_relaxed);
    return true;
}

/* Lowers the cache's share to `left` bytes, and the sum of all shares with it; never raises it. */
static void shrink_share(struct cache *cache, uint64_t left) {
    uint64_t share = share_of(cache);
    if (left >= share)
        return;
    atomic_store_explicit(&cache->share, left, memory_order_relaxed);
    atomic_fetch_sub_explicit(&shared, share - left, memory_order_relaxed);
}

/* Sets the part of the share that the hot block may have, after anything else has changed. */
static void set_hot_room(struct cache *cache) {
    uint64_t most = hak_options.bigcache_max_bytes / 2, left = share_of(cache) - cache->bytes;
    cache->head.hot_room = left < most ? left : most;
}

/* ---- caches --------------------------------------------------------------------------------- */

/* Puts a kept block into bin and order, and counts its bytes; the hot block's room follows. */
static void put_in_list(struct cache *cache, struct hak_large *large) {
    link(cache, large);
    cache->bytes += large->mapped_bytes;
    set_hot_room(cache);
}

/* Takes a kept block out of bin and order and of the count of bytes; the hot block's room follows.
 */
static void take_out_of_list(struct cache *cache, struct hak_large *large) {
    unlink_block(cache, large);
    cache->bytes -= large->mapped_bytes;
    set_hot_room(cache);
}

/* Notes in the hot block that it came since the look before, if it did: the shortest way counts
 * blocks alone. */
static void note_look(struct cache *cache) {
    if (cache->head.hot && cache->until_look_before != cache->head.until_look)
        cache->head.hot->look = cache->head.look;
    cache->until_look_before = cache->head.until_look;
}

/* Moves the hot block to the lists, to make room for another. */
static void cool(struct cache *cache) {
    struct hak_large *large = cache->head.hot;
    note_look(cache);
    if (large) {
        put_in_list(cache, large);
        /* A fork in between finds the block in both places, not in none. */
        atomic_signal_fence(memory_order_release);
        cache->head.hot = NULL;
    }
}

static size_t evict(struct cache *cache, struct hak_large *large) {
    take_out_of_list(cache, large);
    return hak_large_release(large);
}

/* Evicts all blocks of the cache, and gives its share back; returns the bytes that the kernel
 * got. */
static size_t empty(struct cache *cache) {
    size_t bytes = 0;
    cool(cache);
    while (cache->oldest)
        bytes += evict(cache, cache->oldest);
    shrink_share(cache, 0);
    set_hot_room(cache);
    return bytes;
}

static struct cache *made_last(void) {
    return atomic_load_explicit(&newest_made, memory_order_acquire);
}

static bool claim(struct cache *cache, uint32_t from) {
    return atomic_compare_exchange_strong_explicit(&cache->owner, &from, OWNER_THREAD,
                                                   memory_order_acquire, memory_order_relaxed);
}

/* Empties a cache that a fork left behind, whose lists can be believed only where they are read
 * forwards from the bins. */
static void empty_left(struct cache *cache) {
    struct hak_large *hot = cache->head.hot;
    cache->head.hot = NULL;
    if (hot && hot != cache->bins[bin_of(hot)])
        (void)hak_large_release(hot);
    for (unsigned bin = 0; bin < HAK_PAGE_BINS; bin++) {
        struct hak_large *large = cache->bins[bin], *next;
        cache->bins[bin] = NULL;
        for (; large; large = next) {
            next = large->next;
            (void)hak_large_release(large);
        }
    }
    cache->newest = cache->oldest = NULL;
    cache->bytes = 0;
    shrink_share(cache, 0);
    set_hot_room(cache);
    atomic_store_explicit(&cache->owner, OWNER_NONE, memory_order_release);
}

/* Empties the caches of threads that ended or that a fork left. */
static HAK_COLD void empty_all_left(void) {
    atomic_store_explicit(&has_left, false, memory_order_relaxed);
    for (struct cache *cache = made_last(); cache; cache = cache->next_made)
        if (claim(cache, OWNER_LEFT))
            empty_left(cache);
}

/* A new cache of this thread, entered into the list of all. NULL without memory. */
static struct cache *make_cache(void) {
    struct cache *made = hak_large_memory_take(sizeof *made);
    if (!made)
        return NULL;
    atomic_store_explicit(&made->owner, OWNER_THREAD, memory_order_relaxed);
    made->head.last = &no_large;
    made->next_made = made_last();
    while (!atomic_compare_exchange_weak_explicit(&newest_made, &made->next_made, made,
                                                  memory_order_release, memory_order_relaxed)) {
    }
    return made;
}

/* The calling thread's cache from now on: one that nobody owns, or a new one. NULL: its thread has
 * ended, or no memory. */
static HAK_COLD struct cache *claim_cache(void) {
    struct cache *found = NULL;
    if (has_ended)
        return NULL;
    for (struct cache *cache = made_last(); cache && !found; cache = cache->next_made)
        if (claim(cache, OWNER_NONE))
            found = cache;
    if (!found)
        found = make_cache();
    if (found)
        hak_bigcache_own = &found->head;
    return found;
}

/* ---- use ------------------------------------------------------------------------------------ */

/* The best of the first few in a bin: of the same caller, else any that fits. */
static struct hak_large *best_in_bin(struct hak_large *large, size_t bytes, const void *caller,
                                     struct hak_large *best) {
    for (unsigned looks = 0; large && looks < KEPT_LOOKED_AT; large = large->next, looks++) {
        if (!hak_bigcache_fits(large, bytes))
            continue;
        if (large->caller == caller)
            return large;
        if (!best)
            best = large;
    }
    return best;
}

/* The best kept block of at least `bytes` and at most two bins more; one of the same caller is
 * preferred. NULL: none. It stays where it is. */
static struct hak_large *find_kept(const struct cache *cache, size_t bytes, const void *caller) {
    unsigned bin = hak_page_bin(bytes / HAK_PAGE_BYTES), last = bin + 2;
    struct hak_large *hot = cache->head.hot;
    struct hak_large *best = hot && hak_bigcache_fits(hot, bytes) ? hot : NULL;
    for (; bin <= last && bin < HAK_PAGE_BINS; bin++) {
        best = best_in_bin(cache->bins[bin], bytes, caller, best);
        if (best && (best->caller == caller || bin < last))
            break;
    }
    return best;
}

/* The block leaves the cache for the program. Its move is recorded when it is out of the cache: a
 * fork's child that finds it there empties the cache, and it must be in the cache by the record. */
static struct hak_large *move_to_program(struct cache *cache, struct hak_large *large,
                                         const void *caller) {
    if (large == cache->head.hot)
        cache->head.hot = NULL;
    else
        take_out_of_list(cache, large);
    hop(HAK_BIGCACHE_TAKE, large->base, HAK_CLASS_NONE);
    large->caller = caller;
    atomic_store_explicit(&large->state, HAK_LARGE_LIVE, memory_order_relaxed);
    cache->head.last = large;
    return large;
}

struct hak_large *hak_bigcache_take(size_t bytes, const void *caller) {
    struct cache *cache = own_cache();
    if (HAK_UNLIKELY(!cache))
        cache = claim_cache();
    struct hak_large *hot = cache ? cache->head.hot : NULL, *large = hot;
    if (cache && (!hot || hot->caller != caller || !hak_bigcache_fits(hot, bytes)))
        large = find_kept(cache, bytes, caller);
    if (large)
        return move_to_program(cache, large, caller);
    if (hak_options.bigcache_max_bytes > 0)
        hop_count(HAK_COUNTED_BIGCACHE_MISS, HAK_CLASS_NONE, bytes);
    if (HAK_UNLIKELY(atomic_load_explicit(&has_left, memory_order_relaxed)))
        empty_all_left();
    return NULL;
}

static bool is_between(const struct hak_large *large, size_t bytes, size_t most_bytes) {
    return large->mapped_bytes >= bytes && large->mapped_bytes <= most_bytes;
}

struct hak_large *hak_bigcache_take_longer(size_t bytes, size_t most_bytes, const void *caller) {
    struct cache *cache = own_cache();
    struct hak_large *found = cache ? cache->head.hot : NULL;
    if (!cache)
        return NULL;
    if (found && !is_between(found, bytes, most_bytes))
        found = NULL;
    unsigned bin = hak_page_bin(bytes / HAK_PAGE_BYTES);
    unsigned last = hak_page_bin(most_bytes / HAK_PAGE_BYTES);
    for (; !found && bin <= last && bin < HAK_PAGE_BINS; bin++) {
        struct hak_large *large = cache->bins[bin];
        for (unsigned looks = 0; large && !found && looks < KEPT_LOOKED_AT;
             large = large->next, looks++)
            if (is_between(large, bytes, most_bytes))
                found = large;
    }
    return found ? move_to_program(cache, found, caller) : NULL;
}

/* Makes the block the hot one; the one before cools into the bins. */
static void move_to_cache(struct cache *cache, struct hak_large *large) {
    hop(HAK_BIGCACHE_PUT, large->base, HAK_CLASS_NONE);
    cool(cache);
    large->look = cache->head.look;
    large->is_fresh = false;
    cache->head.hot = large;
}

/* Evicts, once a decay period, what was not used since the look before, and shrinks the share. */
static void evict_idle(struct cache *cache) {
    uint64_t now = hak_ticks();
    note_look(cache);
    if (!hak_is_debug_build && now - cache->looked_at < HAK_DECAY_TICKS)
        return;
    cache->looked_at = now;
    cache->most_used /= 2;
    uint32_t look = ++cache->head.look;
    struct hak_large *hot = cache->head.hot;
    if (hot && look - hot->look > 1)
        cool(cache);
    while (cache->oldest && look - cache->oldest->look > 1)
        (void)evict(cache, cache->oldest);
    uint64_t kept = cache->bytes + (cache->head.hot ? cache->head.hot->mapped_bytes : 0);
    if (share_of(cache) - kept > 2 * SHARE_STEP_BYTES)
        shrink_share(cache, kept + SHARE_STEP_BYTES);
    set_hot_room(cache);
}

void hak_bigcache_tend(void) {
    if (own_cache())
        evict_idle(own_cache());
}

/* The most bytes that the cache may keep now. The sum of the shares is a little
 * more than what caches keep, which is not in use. */
static uint64_t most_kept(struct cache *cache) {
    uint64_t all = hak_large_used_bytes(),
             kept = atomic_load_explicit(&shared, memory_order_relaxed);
    uint64_t used = all > kept ? all - kept : 0, share = used / KEPT_SHARE;
    if (cache->most_used < used)
        cache->most_used = used;
    if (cache->most_used <= BURST_BYTES && share < cache->most_used / 4 * 3)
        share = cache->most_used / 4 * 3;
    return share > least_bytes ? share : least_bytes;
}

/* Evicts a few of the oldest blocks where the cache keeps too much for `bytes` more, and lowers its
 * share to what is left. False: the block is too large. */
static bool keep_to_bound(struct cache *cache, uint64_t bytes) {
    if (HAK_LIKELY(cache->bytes + bytes <= least_bytes) || hak_is_debug_build)
        return true;
    uint64_t most = most_kept(cache);
    for (unsigned i = 0; i < EVICTED_AT_ONCE && cache->oldest && cache->bytes + bytes > most; i++)
        (void)evict(cache, cache->oldest);
    shrink_share(cache, cache->bytes + bytes > most ? cache->bytes + bytes : most);
    return bytes <= most;
}

/* Keeps to the bound where a block goes that is too large: less is in use then. */
static void keep_less(struct cache *cache) {
    cool(cache);
    (void)keep_to_bound(cache, 0);
    set_hot_room(cache);
}

/* Makes the share large enough for one more block: it grows, or older blocks go. False: the block
 * is too large. */
static bool make_room(struct cache *cache, uint64_t bytes) {
    cool(cache);
    if (!keep_to_bound(cache, bytes)) {
        set_hot_room(cache);
        return false;
    }
    if (cache->bytes + bytes > share_of(cache) && !grow_share(cache, cache->bytes + bytes)) {
        if (bytes > share_of(cache))
            return false;
        while (cache->bytes + bytes > share_of(cache))
            (void)evict(cache, cache->oldest);
    }
    set_hot_room(cache);
    return true;
}

bool hak_bigcache_give(struct hak_large *large) {
    struct cache *cache = own_cache();
    uint64_t bytes = large->mapped_bytes;
    if (!cache)
        return false;
    if (bytes > hak_options.bigcache_max_bytes / 2) {
        keep_less(cache);
        return false;
    }
    if (--cache->head.until_look < 0) {
        evict_idle(cache);
        cache->head.until_look = HAK_BIGCACHE_LOOK_EVERY - 1;
    }
    if (!make_room(cache, bytes))
        return false;
    move_to_cache(cache, large);
    return true;
}

void hak_bigcache_set_least(uint64_t bytes) {
    least_bytes = bytes;
}

size_t hak_bigcache_trim(void) {
    return own_cache() ? empty(own_cache()) : 0;
}

void hak_bigcache_thread_end(void) {
    struct cache *cache = own_cache();
    has_ended = true;
    hak_bigcache_own = &hak_bigcache_none;
    if (!cache)
        return;
    (void)empty(cache);
    atomic_store_explicit(&cache->owner, OWNER_NONE, memory_order_release);
}

/* Leaves the caches of the parent's other threads for any thread to take over, and adds up the
 * shares anew, as the fork may have come between a share and the sum. A struct that another thread
 * was just writing is lost, so none is taken for the last one. */
void hak_bigcache_after_fork(void) {
    uint64_t sum = 0;
    is_child = true;
    for (struct cache *cache = made_last(); cache; cache = cache->next_made) {
        sum += share_of(cache);
        cache->head.last = &no_large;
        if (cache == own_cache() ||
            atomic_load_explicit(&cache->owner, memory_order_relaxed) == OWNER_NONE)
            continue;
        atomic_store_explicit(&cache->owner, OWNER_LEFT, memory_order_relaxed);
        atomic_store_explicit(&has_left, true, memory_order_relaxed);
    }
    atomic_store_explicit(&shared, sum, memory_order_relaxed);
}

/* ---- looking -------------------------------------------------------------------------------- */

/* The block behind `large` (NULL = the first); `*bin`, 0 at first, is the number behind that of its
 * bin. */
static struct hak_large *next_in_bins(const struct cache *cache, const struct hak_large *large,
                                      unsigned *bin) {
    struct hak_large *next = large ? large->next : NULL;
    while (!next && *bin < HAK_PAGE_BINS)
        next = cache->bins[(*bin)++];
    return next;
}

/* Counts a cache that a fork left behind: only blocks that can be reached from the bins, and the
 * hot one. */
static void count_left(const struct cache *cache, size_t *blocks, size_t *bytes) {
    unsigned bin = 0;
    for (const struct hak_large *large = next_in_bins(cache, NULL, &bin); large;
         large = next_in_bins(cache, large, &bin)) {
        *blocks += large != cache->head.hot;
        *bytes += large != cache->head.hot ? large->mapped_bytes : 0;
    }
    *blocks += cache->head.hot != NULL;
    *bytes += cache->head.hot ? cache->head.hot->mapped_bytes : 0;
}

/* Compares a cache's bins, order and sums, and adds what it holds to `*blocks` and `*bytes`.
 * Returns the first disagreement as text, or NULL. */
static const char *verify_cache(const struct cache *cache, size_t *blocks, size_t *bytes) {
    size_t own_bytes = 0, in_bins = 0, in_order = 0;
    if (cache->head.hot && atomic_load(&cache->head.hot->state) != HAK_LARGE_KEPT)
        return "the hot block of a BigCache is not kept";
    unsigned bin = 0;
    for (const struct hak_large *large = next_in_bins(cache, NULL, &bin); large;
         large = next_in_bins(cache, large, &bin)) {
        if (bin_of(large) + 1 != bin || atomic_load(&large->state) != HAK_LARGE_KEPT)
            return "a block of the BigCache is in a wrong bin or state";
        own_bytes += large->mapped_bytes;
        in_bins++;
    }
    for (struct hak_large *large = cache->newest; large; large = large->older)
        in_order++;
    *blocks += in_bins;
    *bytes += own_bytes;
    if (in_order != in_bins || own_bytes != cache->bytes)
        return "a thread's BigCache counts other blocks than it has";
    if (cache->head.hot) {
        own_bytes += cache->head.hot->mapped_bytes;
        *blocks += 1;
        *bytes += cache->head.hot->mapped_bytes;
    }
    return own_bytes <= share_of(cache) ? NULL : "a thread's BigCache holds more than its share";
}

bool hak_bigcache_may_have_lost(void) {
    return is_child;
}

const char *hak_bigcache_verify(size_t *blocks, size_t *bytes) {
    const char *wrong = NULL;
    uint64_t sum = 0;
    for (struct cache *cache = made_last(); cache && !wrong; cache = cache->next_made) {
        sum += share_of(cache);
        if (atomic_load(&cache->owner) == OWNER_LEFT)
            count_left(cache, blocks, bytes);
        else
            wrong = verify_cache(cache, blocks, bytes);
    }
    if (!wrong && sum != atomic_load(&shared))
        wrong = "the shares of the BigCache and their sum differ";
    return wrong;
}
