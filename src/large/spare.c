/* The list of spare mappings: the oldest first, of a few dozen, so that a walk of it costs nothing
 * beside the blocks that are filled. */
#include "large/spare.h"

#include <stdatomic.h>
#include "hop.h"
#include "large/held.h"
#include "large/large.h"
#include "options.h"
#include "platform/lock.h"
#include "platform/platform.h"

enum {
    MAPPINGS = 32,
    DECAYS = 10,            /* tenths of a second */
    GROWS_TO = 4,           /* a mapping is made longer at most so many times */
    REST_BYTES = 256 << 10, /* a shorter rest is not worth a mapping of its own */
    UNMAPPED_AT_ONCE = 2,   /* for the bound, beside the block itself: a call must not take long */
};

#define MOST_BYTES  ((size_t)192 << 20) /* kept at most, and no more than */
#define SHARE       24                  /* times what the BigCaches keep, or */
#define IDLE_BYTES  ((size_t)4 << 20)   /* where no more is in use: the process may sleep now */
#define MOST_REGRET 3u                  /* doublings of that, and of an eighth of what is in use */

struct mapping {
    char *start;
    size_t bytes;
    uint64_t since;  /* ticks */
    uint16_t origin; /* the same in all parts of one mapping; 0: it was never cut */
};

static struct hak_lock spare_lock;
static struct mapping mappings[MAPPINGS];
static unsigned count;
static uint16_t last_origin;
_Atomic size_t hak_spare_kept_bytes; /* written under the lock */

/* Whether it paid to give back what was more than the bound (hak_spare_give). */
static _Atomic size_t missed_bytes; /* asked for and not there, since the last look */
static size_t unmapped_bytes;       /* for the bound */
static unsigned regret;             /* how often the bound is doubled */
static bool was_at_bound;
static uint64_t regretted_at; /* ticks of the last look at these */

static size_t kept_now(void) {
    return atomic_load_explicit(&hak_spare_kept_bytes, memory_order_relaxed);
}

static void set_kept(size_t bytes) {
    atomic_store_explicit(&hak_spare_kept_bytes, bytes, memory_order_relaxed);
}

/* ---- under the lock ---------------------------------------------------------------------------
 */

/* Takes the mapping out of its place; those behind it move up, so that the oldest stays first. */
static struct mapping remove_mapping(unsigned place) {
    struct mapping mapping = mappings[place];
    count--;
    for (unsigned i = place; i < count; i++)
        mappings[i] = mappings[i + 1];
    set_kept(kept_now() - mapping.bytes);
    return mapping;
}

/* The place of the smallest of at least `bytes`; without one, of the greatest. */
static unsigned find_mapping(size_t bytes) {
    unsigned best = 0;
    for (unsigned i = 1; i < count; i++) {
        bool is_enough = mappings[best].bytes >= bytes;
        if (is_enough ? mappings[i].bytes >= bytes && mappings[i].bytes < mappings[best].bytes
                      : mappings[i].bytes > mappings[best].bytes)
            best = i;
    }
    return best;
}

/* Takes the front part of a spare mapping, or all of it where it has at most `most` bytes or the
 * rest is short. */
static struct mapping cut(unsigned place, size_t bytes, size_t most) {
    struct mapping *from = &mappings[place];
    if (from->bytes <= most || from->bytes - bytes < REST_BYTES)
        return remove_mapping(place);
    if (from->origin == 0)
        from->origin = ++last_origin ? last_origin : ++last_origin;
    struct mapping front = {.start = from->start, .bytes = bytes, .origin = from->origin};
    from->start += bytes;
    from->bytes -= bytes;
    set_kept(kept_now() - bytes);
    return front;
}

static bool is_behind(const struct mapping *mapping, const struct mapping *before) {
    return mapping->origin != 0 && mapping->origin == before->origin &&
           mapping->start == before->start + before->bytes;
}

/* Joins the mapping with the spare ones right before and behind it and takes those out of the list:
 * the kernel moves and resizes no more than one mapping at a time. */
static struct mapping merge(struct mapping mapping) {
    for (unsigned i = 0; i < count;) {
        bool is_last = is_behind(&mapping, &mappings[i]);
        if (!is_last && !is_behind(&mappings[i], &mapping)) {
            i++;
            continue;
        }
        struct mapping other = remove_mapping(i);
        mapping.start = is_last ? other.start : mapping.start;
        mapping.bytes += other.bytes;
        i = 0;
    }
    return mapping;
}

/* Adds a mapping, merged with those beside it, as the newest. */
static void add_mapping(struct mapping mapping) {
    mapping = merge(mapping);
    mappings[count++] = mapping;
    set_kept(kept_now() + mapping.bytes);
}

/* ---- use --------------------------------------------------------------------------------------
 */

/* Too many bytes or places are in use for `bytes` more. */
static bool is_too_much(size_t bytes, size_t most) {
    return count == MAPPINGS || (count > 0 && kept_now() + bytes > most);
}

/* The oldest where there is too much for `bytes` more; an empty one where not. */
static struct mapping take_surplus(size_t bytes, size_t most) {
    return is_too_much(bytes, most) ? remove_mapping(0) : (struct mapping){0};
}

/* Counts bytes that are given back for the bound. Where half of as many were missed since, that was
 * wrong: use swings. The further back, the less it counts. */
static void note_unmapped(size_t bytes) {
    size_t bound = IDLE_BYTES << regret;
    size_t missed = atomic_load_explicit(&missed_bytes, memory_order_relaxed);
    was_at_bound = true;
    if (unmapped_bytes == 0)
        missed = 0;
    if (unmapped_bytes > bound && missed > unmapped_bytes / 2) {
        regret = MOST_REGRET;
        unmapped_bytes = missed = 0;
    } else if (unmapped_bytes / 4 > bound) {
        unmapped_bytes /= 2;
        missed /= 2;
    }
    atomic_store_explicit(&missed_bytes, missed, memory_order_relaxed); /* a few may be lost */
    unmapped_bytes += bytes;
}

/* Halves the bound for each second in which nothing was given back for it. */
static void forget_regret(void) {
    uint64_t now = hak_ticks();
    uint64_t seconds = (now - regretted_at) / (DECAYS * HAK_DECAY_TICKS);
    if (seconds == 0)
        return;
    uint64_t quiet = was_at_bound ? seconds - 1 : seconds;
    regret = quiet < regret ? regret - (unsigned)quiet : 0;
    was_at_bound = false;
    regretted_at = now;
}

/* The most bytes of spare mappings: an eighth of those in use, at least IDLE_BYTES, both doubled
 * where use swings, and no more than the BigCache's option allows. */
static size_t most_bytes(size_t used_bytes) {
    uint64_t maximum = hak_options.bigcache_max_bytes;
    size_t most = maximum < MOST_BYTES / SHARE ? (size_t)maximum * SHARE : MOST_BYTES;
    size_t least = IDLE_BYTES << regret, part = used_bytes >> (MOST_REGRET - regret);
    size_t wanted = part > least ? part : least;
    return wanted < most ? wanted : most;
}

bool hak_spare_give(void *start, size_t bytes, uint16_t origin, size_t used_bytes) {
    if (hak_is_debug_build)
        return false;
    for (unsigned unmapped = 0;; unmapped++) {
        if (!hak_try_lock(&spare_lock))
            return false;
        forget_regret();
        size_t most = most_bytes(used_bytes);
        bool is_kept = bytes <= most;
        struct mapping surplus = {0};
        if (unmapped < UNMAPPED_AT_ONCE)
            surplus = take_surplus(is_kept ? bytes : 0, most);
        else
            is_kept &= !is_too_much(bytes, most);
        if (!surplus.start && is_kept)
            add_mapping((struct mapping){start, bytes, hak_ticks(), origin});
        if (surplus.start || !is_kept)
            note_unmapped(surplus.start ? surplus.bytes : bytes);
        hak_unlock(&spare_lock);
        if (!surplus.start) {
            (void)hak_spare_tend();
            return is_kept;
        }
        hak_held_unmap(surplus.start, surplus.bytes);
    }
}

/* Has the kernel grow a spare mapping, which may move. NULL: refused, and the mapping is given
 * back. */
static void *grow(struct mapping mapping, size_t bytes) {
    void *moved = hak_remap(mapping.start, mapping.bytes, bytes);
    if (!moved)
        hak_held_unmap(mapping.start, mapping.bytes);
    return moved;
}

void *hak_spare_take(size_t *bytes, size_t most, uint16_t *origin) {
    struct mapping found = {0};
    if (HAK_LIKELY(kept_now() == 0) || !hak_try_lock(&spare_lock)) {
        atomic_fetch_add_explicit(&missed_bytes, *bytes, memory_order_relaxed);
        return NULL;
    }
    if (count > 0) {
        unsigned best = find_mapping(*bytes);
        if (mappings[best].bytes >= *bytes)
            found = cut(best, *bytes, most);
        else if (mappings[best].bytes >= *bytes / GROWS_TO)
            found = remove_mapping(best);
    }
    hak_unlock(&spare_lock);
    if (found.bytes < *bytes)
        atomic_fetch_add_explicit(&missed_bytes, *bytes - found.bytes, memory_order_relaxed);
    bool is_short = found.bytes < *bytes;
    if (found.start && is_short)
        found.start = grow(found, *bytes);
    *bytes = is_short ? *bytes : found.bytes;
    *origin = is_short ? 0 : found.origin;
    return found.start;
}

bool hak_spare_has(size_t bytes) {
    if (kept_now() < bytes || !hak_try_lock(&spare_lock))
        return false;
    bool has = count > 0 && mappings[find_mapping(bytes)].bytes >= bytes;
    hak_unlock(&spare_lock);
    return has;
}

/* Unmaps spare mappings that were kept `ticks` or longer. Returns their bytes. Stops if another
 * thread holds the lock. */
static size_t unmap_older(uint64_t ticks) {
    size_t bytes = 0;
    while (kept_now() > 0 && hak_try_lock(&spare_lock)) {
        struct mapping oldest = {0};
        if (count > 0 && hak_ticks() - mappings[0].since >= ticks)
            oldest = remove_mapping(0);
        hak_unlock(&spare_lock);
        if (!oldest.start)
            break;
        hak_held_unmap(oldest.start, oldest.bytes);
        bytes += oldest.bytes;
    }
    return bytes;
}

size_t hak_spare_tend(void) {
    return unmap_older(DECAYS * HAK_DECAY_TICKS);
}

size_t hak_spare_trim(void) {
    return unmap_older(0);
}

size_t hak_spare_bytes(void) {
    return kept_now();
}

bool hak_spare_holds(const void *p) {
    bool holds = false;
    if (kept_now() == 0 || !hak_try_lock(&spare_lock))
        return false;
    for (unsigned i = 0; i < count; i++)
        holds |= (uintptr_t)p - (uintptr_t)mappings[i].start < mappings[i].bytes;
    hak_unlock(&spare_lock);
    return holds;
}

void hak_spare_after_fork(void) {
    if (!hak_lock_was_left(&spare_lock))
        return;
    hop_count(HAK_COUNTED_FORK_LEFT, HAK_CLASS_NONE, kept_now());
    count = 0;
    set_kept(0);
}
