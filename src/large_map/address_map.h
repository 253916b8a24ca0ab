/* Finds the large block that starts at an address: two trees over the address space, read without a
 * lock.
 *
 *   up to 1 MiB   46 ........... 31 | 30 ............ 15 | 14 ... 12 | 11 ... 0
 *                 root                middle, 512 KiB      leaf, 64 B   0, or it is no start
 *   above         46 ........... 33 | 32 ............ 20 | 19 .............. 0
 *                 root                granules, 64 KiB     of the block that starts in it
 *
 * Of blocks above 1 MiB no two start in the same granule of 1 MiB, so that 8 bytes of the map are
 * enough for each; below, a leaf stands for 32 KiB, hardly more than the smallest block needs. A
 * lookup is four loads, or seven, and works for any value. Root, middles and granules are reserved,
 * so that only the pages that are written count; a bit for each says that it was, and who looks at
 * all blocks leaves the others untouched. All of it stays for good, and serves whatever lies there
 * later. An entry holds a struct hak_large whose memory is never given back either, so what a
 * lookup finds can be read, also when another thread is just giving that block away.
 *
 * Lock: hak_large_memory_lock to make parts of the trees; none to look up, set and clear. Each part
 * and each block comes and goes by one store, so that the child of a fork can believe them.
 *
 * May call: memory, platform. */
#ifndef HAK_LARGE_MAP_ADDRESS_MAP_H
#define HAK_LARGE_MAP_ADDRESS_MAP_H

#include "large_map/large_map.h"
#include "platform/platform.h"

enum {
    HAK_MAP_LEAF_PLACES = 1 << 3,
    HAK_MAP_MIDDLE_PLACES = 1 << 16,
    HAK_MAP_ROOT_PLACES = 1 << (HAK_ADDRESS_BITS - 12 - 3 - 16),
    HAK_MAP_GRANULE_BITS = 20,
    HAK_MAP_GRANULES = 1 << 13,
    HAK_MAP_GRANULE_ROOTS = 1 << (HAK_ADDRESS_BITS - HAK_MAP_GRANULE_BITS - 13),
    HAK_MAP_PAGE_PLACES = 1 << 9, /* places that lie on one page */
};

/* Words with a bit for each page of so many places. */
#define HAK_MAP_WORDS(places) ((places) / HAK_MAP_PAGE_PLACES / 64 + 1)

struct hak_map_leaf {
    _Atomic(struct hak_large *) place[HAK_MAP_LEAF_PLACES];
};
struct hak_map_middle {
    _Atomic(struct hak_map_leaf *) place[HAK_MAP_MIDDLE_PLACES];
    _Atomic uint64_t used[HAK_MAP_WORDS(HAK_MAP_MIDDLE_PLACES)];
};
struct hak_map_granules {
    _Atomic(struct hak_large *) place[HAK_MAP_GRANULES];
    _Atomic uint64_t used[HAK_MAP_WORDS(HAK_MAP_GRANULES)];
};
struct hak_map_root {
    _Atomic(struct hak_map_middle *) middle[HAK_MAP_ROOT_PLACES];
    _Atomic(struct hak_map_granules *) granules[HAK_MAP_GRANULE_ROOTS];
    _Atomic uint64_t used_middle[HAK_MAP_WORDS(HAK_MAP_ROOT_PLACES)];
    _Atomic uint64_t used_granules[HAK_MAP_WORDS(HAK_MAP_GRANULE_ROOTS)];
};
HAK_HIDDEN extern _Atomic(struct hak_map_root *) hak_map_root; /* NULL before the first block */

/* Makes sure that hak_address_map_set works for a block of `bytes` at `start`. False: no memory. */
HAK_HIDDEN bool hak_address_map_prepare(const void *start, size_t bytes);
/* As hak_address_map_prepare, for whoever holds hak_large_memory_lock. */
HAK_HIDDEN bool hak_address_map_prepare_locked(const void *start, size_t bytes);

/* Makes sure, by tables in reserve, that one call of hak_address_map_prepare_locked succeeds while
 * the lock is held. False without memory. */
HAK_HIDDEN bool hak_address_map_reserve_locked(void);

/* Enters a block by its start and its bytes; a reader finds it completely written. And takes it out
 * again, which its bytes must not have outgrown in the meantime. */
HAK_HIDDEN void hak_address_map_set(struct hak_large *large);
HAK_HIDDEN void hak_address_map_clear(const struct hak_large *large);

/* A block gets other bytes at the same start. False: no memory, and it has the old ones. */
HAK_HIDDEN bool hak_address_map_resize(struct hak_large *large, size_t bytes);

/* The leaf that holds the page's place; NULL: there is none. */
static inline struct hak_map_leaf *hak_map_leaf_of(const struct hak_map_root *root,
                                                   uintptr_t page) {
    uintptr_t place = page / (HAK_MAP_LEAF_PLACES * (uintptr_t)HAK_MAP_MIDDLE_PLACES);
    if (HAK_UNLIKELY(place >= HAK_MAP_ROOT_PLACES))
        return NULL;
    struct hak_map_middle *middle =
        atomic_load_explicit(&root->middle[place], memory_order_acquire);
    if (HAK_UNLIKELY(!middle))
        return NULL;
    return atomic_load_explicit(
        &middle->place[page / HAK_MAP_LEAF_PLACES & (HAK_MAP_MIDDLE_PLACES - 1)],
        memory_order_acquire);
}

/* Finds the block above 1 MiB that starts in a granule; NULL: none. */
static inline struct hak_large *hak_map_in_granule(const struct hak_map_root *root,
                                                   uintptr_t granule) {
    if (HAK_UNLIKELY(granule / HAK_MAP_GRANULES >= HAK_MAP_GRANULE_ROOTS))
        return NULL;
    struct hak_map_granules *granules =
        atomic_load_explicit(&root->granules[granule / HAK_MAP_GRANULES], memory_order_acquire);
    if (!granules)
        return NULL;
    return atomic_load_explicit(&granules->place[granule & (HAK_MAP_GRANULES - 1)],
                                memory_order_acquire);
}

/* Finds the large block that begins at `start`; NULL for every other address. */
static inline struct hak_large *hak_address_map_find(const void *start) {
    uintptr_t page = (uintptr_t)start / HAK_PAGE_BYTES_LEAST;
    struct hak_map_root *root = atomic_load_explicit(&hak_map_root, memory_order_acquire);
    if (HAK_UNLIKELY(((uintptr_t)start & (HAK_PAGE_BYTES_LEAST - 1)) != 0 || !root))
        return NULL;
    struct hak_map_leaf *leaf = hak_map_leaf_of(root, page);
    struct hak_large *large = NULL;
    if (HAK_LIKELY(leaf != NULL))
        large = atomic_load_explicit(&leaf->place[page & (HAK_MAP_LEAF_PLACES - 1)],
                                     memory_order_acquire);
    if (HAK_LIKELY(large != NULL))
        return large;
    large = hak_map_in_granule(root, (uintptr_t)start >> HAK_MAP_GRANULE_BITS);
    return large && large->base.p == start ? large : NULL;
}

#endif
