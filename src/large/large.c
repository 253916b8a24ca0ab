/* Blocks above 32 KiB: taken from and given to the kernel one by one, found by a sharded hash
 * table. */
#include "large/large.h"

#include <string.h>
#include "hop.h"
#include "large/held.h"
#include "large/spare.h"
#include "platform/lock.h"

enum { SHARDS = 16, FIRST_BUCKETS = 64 };

#define NODES_MAP_BYTES ((size_t)64 << 10)

struct shard {
    _Alignas(64) struct hak_lock lock;
    uint32_t bucket_count; /* of `buckets`, a power of two; 0 = first_buckets still serve */
    uint32_t live;
    struct hak_large **buckets;
    struct hak_large *first_buckets[FIRST_BUCKETS];
    struct hak_large *unused;
    char *fresh, *fresh_end; /* memory for new nodes */
};

static struct shard shards[SHARDS];

/* Mappings differ in their page number; multiplication spreads it over the upper bits
 * (Fibonacci hashing: Knuth, TAOCP 6.4). */
static uint64_t hash_of(const void *start) {
    return ((uintptr_t)start / HAK_PAGE_BYTES) * 0x9e3779b97f4a7c15ull;
}
static struct shard *shard_of(uint64_t hash) {
    return &shards[hash >> 60];
}
static uint32_t count_buckets(const struct shard *shard) {
    return shard->bucket_count ? shard->bucket_count : FIRST_BUCKETS;
}
static struct hak_large **bucket_of(struct shard *shard, uint64_t hash) {
    struct hak_large **buckets = shard->bucket_count ? shard->buckets : shard->first_buckets;
    return &buckets[hash >> 28 & (count_buckets(shard) - 1)];
}

/* Doubles the buckets; without memory for that the shard gets slower, not full. */
static void grow(struct shard *shard) {
    uint32_t old_count = count_buckets(shard);
    struct hak_large **old = shard->bucket_count ? shard->buckets : shard->first_buckets;
    size_t new_bytes = HAK_PAGES_OF(old_count * 2 * sizeof(void *));
    struct hak_large **wider = hak_map(new_bytes);
    if (!wider)
        return;
    uint32_t old_page_bytes =
        shard->bucket_count ? (uint32_t)HAK_PAGES_OF(old_count * sizeof(void *)) : 0;
    shard->buckets = wider;
    shard->bucket_count = old_count * 2;
    for (uint32_t i = 0; i < old_count; i++) {
        struct hak_large *next;
        for (struct hak_large *large = old[i]; large; large = next) {
            struct hak_large **bucket = bucket_of(shard, hash_of(large->base.p));
            next = large->next;
            large->next = *bucket;
            *bucket = large;
        }
    }
    if (old_page_bytes)
        hak_unmap(old, old_page_bytes);
}

static struct hak_large *take_node(struct shard *shard) {
    struct hak_large *large = shard->unused;
    if (large) {
        shard->unused = large->next;
        return large;
    }
    if ((size_t)(shard->fresh_end - shard->fresh) < sizeof *large) {
        char *start = hak_map(NODES_MAP_BYTES);
        if (!start)
            return NULL;
        shard->fresh = start;
        shard->fresh_end = start + NODES_MAP_BYTES;
    }
    large = (struct hak_large *)(void *)shard->fresh;
    shard->fresh += sizeof *large;
    return large;
}

static void insert(struct hak_large *large) {
    uint64_t hash = hash_of(large->base.p);
    struct shard *shard = shard_of(hash);
    hak_lock(&shard->lock);
    if (shard->live >= count_buckets(shard))
        grow(shard);
    struct hak_large **bucket = bucket_of(shard, hash);
    large->next = *bucket;
    *bucket = large;
    shard->live++;
    hak_unlock(&shard->lock);
}

/* Takes a block out of the table; NULL when it is not there. */
static struct hak_large *remove_block(base_t base) {
    uint64_t hash = hash_of(base.p);
    struct shard *shard = shard_of(hash);
    hak_lock(&shard->lock);
    struct hak_large **place = bucket_of(shard, hash);
    while (*place && (*place)->base.p != base.p)
        place = &(*place)->next;
    struct hak_large *large = *place;
    if (large) {
        *place = large->next;
        shard->live--;
    }
    hak_unlock(&shard->lock);
    return large;
}

static struct hak_large *make_node(base_t base, size_t mapped_bytes, bool is_fresh) {
    struct shard *shard = shard_of(hash_of(base.p));
    hak_lock(&shard->lock);
    struct hak_large *large = take_node(shard);
    hak_unlock(&shard->lock);
    if (large)
        *large = (struct hak_large){.base = base,
                                    .mapped_bytes = mapped_bytes,
                                    .is_fresh = is_fresh,
                                    .slot = {.place = HAK_PLACE_LARGE}};
    return large;
}

static void drop_node(struct hak_large *large) {
    struct shard *shard = shard_of(hash_of(large->base.p));
    hak_lock(&shard->lock);
    large->next = shard->unused;
    shard->unused = large;
    hak_unlock(&shard->lock);
}

static void *map_block(size_t bytes, size_t alignment) {
    void *start = alignment ? hak_map_aligned(bytes, alignment) : hak_map(bytes);
    if (start)
        hop_count(HAK_COUNTED_LARGE_MAP, HAK_CLASS_NONE, bytes);
    return start;
}

base_t hak_large_take(size_t bytes, size_t alignment) {
    if (bytes > PTRDIFF_MAX)
        return HAK_NO_BASE;
    size_t mapped_bytes = bytes ? HAK_PAGES_OF(bytes) : HAK_PAGE_BYTES;
    bool is_wide = alignment > HAK_PAGE_BYTES;
    size_t spare_bytes = 0;
    void *start = is_wide ? NULL : hak_spare_take(mapped_bytes, &spare_bytes);
    bool is_fresh = !start;
    if (!start && !is_wide)
        start = hak_held_take(mapped_bytes, &spare_bytes);
    if (start)
        mapped_bytes = spare_bytes;
    else
        start = map_block(mapped_bytes, is_wide ? alignment : 0);
    if (!start)
        return HAK_NO_BASE;
    struct hak_large *large = make_node(base_from(start), mapped_bytes, is_fresh);
    if (!large) {
        hak_unmap(start, mapped_bytes);
        return HAK_NO_BASE;
    }
    insert(large);
    return large->base;
}

bool hak_large_is_fresh(base_t base) {
    const struct hak_large *large = hak_large_find(base.p);
    return large && large->is_fresh;
}

struct hak_large *hak_large_find(const void *start) {
    if (((uintptr_t)start & (HAK_PAGE_BYTES - 1)) != 0 || !start)
        return NULL;
    uint64_t hash = hash_of(start);
    struct shard *shard = shard_of(hash);
    hak_lock(&shard->lock);
    struct hak_large *large = *bucket_of(shard, hash);
    while (large && large->base.p != start)
        large = large->next;
    hak_unlock(&shard->lock);
    return large;
}

static struct hak_large *find_containing(struct shard *shard, const void *p) {
    struct hak_large **buckets = bucket_of(shard, 0);
    for (uint32_t i = 0; i < count_buckets(shard); i++)
        for (struct hak_large *large = buckets[i]; large; large = large->next)
            if ((uintptr_t)p - base_address(large->base) < large->mapped_bytes)
                return large;
    return NULL;
}

struct hak_large *hak_large_containing(const void *p) {
    struct hak_large *large = NULL;
    for (unsigned i = 0; i < SHARDS && !large; i++) {
        hak_lock(&shards[i].lock);
        large = find_containing(&shards[i], p);
        hak_unlock(&shards[i].lock);
    }
    return large;
}

size_t hak_large_count(size_t *mapped_bytes) {
    size_t count = 0;
    *mapped_bytes = 0;
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *shard = &shards[i];
        hak_lock(&shard->lock);
        struct hak_large **buckets = bucket_of(shard, 0);
        for (uint32_t b = 0; b < count_buckets(shard); b++)
            for (const struct hak_large *large = buckets[b]; large; large = large->next) {
                *mapped_bytes += large->mapped_bytes;
                count++;
            }
        hak_unlock(&shard->lock);
    }
    return count;
}

bool hak_large_give(base_t base) {
    /* Out of the table first: once unmapped, the address may be another thread's block. */
    struct hak_large *large = remove_block(base);
    if (!large)
        return false;
    hak_spare_keep(base.p, large->mapped_bytes);
    drop_node(large);
    return true;
}

bool hak_large_resize(base_t base, size_t bytes) {
    struct hak_large *large = hak_large_find(base.p);
    if (!large || bytes > PTRDIFF_MAX)
        return false;
    size_t wanted_bytes = HAK_PAGES_OF(bytes);
    if (wanted_bytes == large->mapped_bytes)
        return true;
    /* What is too large and cannot be cut off (held.h) serves as it is. */
    if (!hak_remap_in_place(base.p, large->mapped_bytes, wanted_bytes))
        return wanted_bytes < large->mapped_bytes;
    large->mapped_bytes = wanted_bytes;
    return true;
}

base_t hak_large_move(base_t base, size_t bytes) {
    struct hak_large *large = bytes <= PTRDIFF_MAX ? remove_block(base) : NULL;
    if (!large)
        return HAK_NO_BASE;
    base_t moved = base_from(hak_remap(base.p, large->mapped_bytes, HAK_PAGES_OF(bytes)));
    if (moved.p) {
        large->base = moved;
        large->mapped_bytes = HAK_PAGES_OF(bytes);
    }
    insert(large);
    return moved;
}

void hak_large_lock_all(void) {
    for (unsigned i = 0; i < SHARDS; i++)
        hak_lock_for_fork(&shards[i].lock);
    hak_lock_for_fork(&hak_spare_lock);
}

void hak_large_unlock_all(void) {
    hak_unlock_after_fork(&hak_spare_lock);
    for (unsigned i = 0; i < SHARDS; i++)
        hak_unlock_after_fork(&shards[i].lock);
}
