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
};

#define MOST_BYTES ((size_t)192 << 20) /* kept at most, and no more than */
#define SHARE      24                  /* times what the BigCaches keep, or */
#define IDLE_BYTES ((size_t)32 << 20)  /* where no more is in use: the process may sleep now */

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

/* Takes the front part of a spare mapping, or all of it where the rest is short. */
static struct mapping cut(unsigned place, size_t bytes) {
    struct mapping *from = &mappings[place];
    if (from->bytes - bytes < REST_BYTES)
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

/* The oldest where there are too many bytes or places for `bytes` more; an empty one where not. */
static struct mapping take_surplus(size_t bytes, size_t most) {
    if (count == MAPPINGS || (count > 0 && kept_now() + bytes > most))
        return remove_mapping(0);
    return (struct mapping){0};
}

/* The most bytes of spare mappings: as many as are in use, but not less than IDLE_BYTES nor more
 * than the BigCache's option allows. */
static size_t most_bytes(size_t used_bytes) {
    uint64_t maximum = hak_options.bigcache_max_bytes;
    size_t most = maximum < MOST_BYTES / SHARE ? (size_t)maximum * SHARE : MOST_BYTES;
    size_t wanted = used_bytes > IDLE_BYTES ? used_bytes : IDLE_BYTES;
    return wanted < most ? wanted : most;
}

bool hak_spare_give(void *start, size_t bytes, uint16_t origin, size_t used_bytes) {
    size_t most = most_bytes(used_bytes);
    bool is_kept = bytes <= most;
    if (hak_is_debug_build)
        return false;
    for (;;) {
        if (!hak_try_lock(&spare_lock))
            return false;
        struct mapping surplus = take_surplus(is_kept ? bytes : 0, most);
        if (!surplus.start && is_kept)
            add_mapping((struct mapping){start, bytes, hak_ticks(), origin});
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

void *hak_spare_take(size_t *bytes, uint16_t *origin) {
    struct mapping found = {0};
    if (HAK_LIKELY(kept_now() == 0) || !hak_try_lock(&spare_lock))
        return NULL;
    if (count > 0) {
        unsigned best = find_mapping(*bytes);
        if (mappings[best].bytes >= *bytes)
            found = cut(best, *bytes);
        else if (mappings[best].bytes >= *bytes / GROWS_TO)
            found = remove_mapping(best);
    }
    hak_unlock(&spare_lock);
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
