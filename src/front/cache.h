/* A cache: free blocks of one class in one place of one thread. Every front but the arrays of the
 * fast paths is one of these: a place (hops.def), a kind of storage and a capacity.
 *
 *   STACK   | oldest | ..... | newest |          addresses; the blocks are not touched
 *   RING    | ... newest |  | oldest ... |       the same, but the oldest can go first
 *   LIST    head --> block --> block --> NULL    links in the blocks, behind the header
 *                                                (check_link_of)
 *
 * Caches of a class stand in a chain (chain.h). A block moves from one to another only in a
 * function with one hop(); what these functions here do is storage alone, but for hak_cache_spill.
 *
 * Ownership: a cache belongs to its thread; no lock. It gets a block first and counts it then, so
 * that a fork in between loses nothing that was counted (left.c). */
#ifndef HAK_FRONT_CACHE_H
#define HAK_FRONT_CACHE_H

#include <stdatomic.h>
#include "check.h"
#include "front/plan.h"
#include "slab/slab.h"

struct hak_cache {
    _Alignas(64) uint32_t count; /* a line each */
    uint32_t capacity;
    uint32_t oldest; /* RING: its place */
    uint32_t room;   /* places that there are; capacity may move below it */
    uint32_t batch;
    uint32_t idle_count; /* blocks at the last look at what is not used */
    uint32_t idle;       /* looks in a row at which there were as many */
    uint32_t refilled;   /* blocks that came from the slabs, and */
    uint32_t spilled;    /* that went there, since it was made */
    uint8_t class_index;
    uint8_t place;   /* enum hak_place */
    uint8_t storage; /* enum hak_storage */
    base_t *blocks;  /* STACK, RING */
    base_t head;     /* LIST */
};

/* Bytes of zeroed memory, in whole pages, that hak_caches_make needs for all caches of the plan. */
HAK_HIDDEN size_t hak_caches_bytes(void);
HAK_HIDDEN void hak_caches_make(struct hak_cache *caches);

static inline bool hak_cache_is_full(const struct hak_cache *cache) {
    return cache->count >= cache->capacity;
}

static inline uint32_t hak_ring_place(const struct hak_cache *cache, uint32_t nth) {
    uint32_t place = cache->oldest + nth;
    return place >= cache->room ? place - cache->room : place;
}

/* The block that came last; the cache is not empty. */
static inline base_t hak_cache_newest(const struct hak_cache *cache) {
    if (cache->storage == HAK_LIST)
        return cache->head;
    if (cache->storage == HAK_RING)
        return cache->blocks[hak_ring_place(cache, cache->count - 1)];
    return cache->blocks[cache->count - 1];
}

/* Puts a block into a cache; a stack or ring has room for it. */
static inline void hak_cache_push(struct hak_cache *cache, base_t block) {
    if (cache->storage == HAK_LIST)
        *check_link_of(block) = cache->head.p;
    else if (cache->storage == HAK_RING)
        cache->blocks[hak_ring_place(cache, cache->count)] = block;
    else
        cache->blocks[cache->count] = block;
    atomic_signal_fence(memory_order_release); /* a fork may come in between: left.c */
    if (cache->storage == HAK_LIST)
        cache->head = block;
    cache->count++;
}

/* A list's head goes; it was checked. */
static inline void hak_cache_unlink(struct hak_cache *list) {
    list->head = base_from(*check_link_of(list->head));
    list->count--;
}

/* Forgets what a list or stack holds: its blocks are gone, or lost. */
static inline void hak_cache_drop(struct hak_cache *cache) {
    cache->head = HAK_NO_BASE;
    cache->count = 0;
    cache->oldest = 0;
}

/* Turns `count` blocks round: the slabs give ascending addresses, the lowest is to be on top. */
static inline void hak_reverse(base_t *blocks, unsigned count) {
    for (unsigned low = 0, high = count; low + 1 < high; low++) {
        base_t block = blocks[--high];
        blocks[high] = blocks[low];
        blocks[low] = block;
    }
}

/* The newest block, out of the cache for the move or call `kind`. HAK_NO_BASE when it is empty, or
 * is a list that was dropped because its head is damaged (reported). */
HAK_HIDDEN base_t hak_cache_pop(struct hak_cache *cache, enum hak_record_kind kind);

/* Moves blocks into the slabs, the oldest first (of a list the newest), until `keep` are left. */
HAK_HIDDEN void hak_cache_spill(struct hak_cache *cache, uint32_t keep);

/* Gives all blocks of a cache whose thread a fork left behind to the slabs and empties it; what
 * that thread left half-done is passed over. */
HAK_HIDDEN void hak_cache_empty_left(struct hak_cache *cache, struct hak_heap *heap);

/* The moves by which blocks come to a cache from the layer below and go to the slabs. */
HAK_HIDDEN enum hak_record_kind hak_fill_of(unsigned place);
HAK_HIDDEN enum hak_record_kind hak_spill_of(unsigned place);

/* Gives all blocks in the calling thread's caches to the slabs: its end, or malloc_trim. */
HAK_HIDDEN void hak_caches_empty(void);

/* Gives half of each cache that stood still since the last call to the slabs; all of it when it did
 * so for two calls. */
HAK_HIDDEN void hak_caches_decay(void);

/* The caches of a thread that a fork left behind, into the slabs of its heap. */
HAK_HIDDEN void hak_caches_empty_left(struct hak_heap *heap);

#endif
