/* Which large block starts at this address? A tree over the page numbers, read without a lock.
 *
 *   address  46 .......... 34 | 33 .......... 21 | 20 ...... 12 | 11 ... 0
 *            root, 64 KiB       middle, 64 KiB     leaf, 4 KiB     0 or it is no start
 *
 * A lookup is three loads and works for any value. Middles and leaves are made when a block first
 * needs them and stay for good: a leaf's 4 KiB serve 2 MiB of address space, whatever lies there
 * later. An entry holds a struct hak_large whose memory is never given back either, so what a
 * lookup finds can be read, also when another thread is just giving that block away.
 *
 * Lock: hak_large_memory_lock to make middles and leaves; none to look up, set and clear.
 *
 * May call: large_memory, platform. */
#ifndef HAK_LARGE_ADDRESS_MAP_H
#define HAK_LARGE_ADDRESS_MAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include "platform/platform.h"

struct hak_large;

enum {
    HAK_MAP_LEAF_PLACES = 1 << 9,
    HAK_MAP_MIDDLE_PLACES = 1 << 13,
    HAK_MAP_ROOT_PLACES = 1 << (HAK_ADDRESS_BITS - 12 - 9 - 13),
};

struct hak_map_leaf {
    _Atomic(struct hak_large *) place[HAK_MAP_LEAF_PLACES];
};
struct hak_map_middle {
    _Atomic(struct hak_map_leaf *) place[HAK_MAP_MIDDLE_PLACES];
};
HAK_HIDDEN extern _Atomic(struct hak_map_middle *) hak_map_root[HAK_MAP_ROOT_PLACES];

/* Makes sure that hak_address_map_set works for `start`. False: no memory. The second form is for
 * whoever holds hak_large_memory_lock. */
HAK_HIDDEN bool hak_address_map_prepare(const void *start);
HAK_HIDDEN bool hak_address_map_prepare_locked(const void *start);

/* Makes sure that one call of hak_address_map_prepare_locked succeeds while the lock is held. */
HAK_HIDDEN bool hak_address_map_reserve_locked(void);

/* `large`, or NULL, begins at `start` from now on; what is seen there was written before. */
HAK_HIDDEN void hak_address_map_set(const void *start, struct hak_large *large);

/* The leaf for a page number, or NULL. */
static inline struct hak_map_leaf *hak_map_leaf_of(uintptr_t page) {
    uintptr_t place = page / (HAK_MAP_LEAF_PLACES * (uintptr_t)HAK_MAP_MIDDLE_PLACES);
    if (HAK_UNLIKELY(place >= HAK_MAP_ROOT_PLACES))
        return NULL;
    struct hak_map_middle *middle =
        atomic_load_explicit(&hak_map_root[place], memory_order_acquire);
    if (HAK_UNLIKELY(!middle))
        return NULL;
    return atomic_load_explicit(
        &middle->place[page / HAK_MAP_LEAF_PLACES & (HAK_MAP_MIDDLE_PLACES - 1)],
        memory_order_acquire);
}

/* What begins at `start`; NULL for every other address. */
static inline struct hak_large *hak_address_map_find(const void *start) {
    uintptr_t page = (uintptr_t)start / HAK_PAGE_BYTES;
    if (HAK_UNLIKELY(((uintptr_t)start & (HAK_PAGE_BYTES - 1)) != 0))
        return NULL;
    struct hak_map_leaf *leaf = hak_map_leaf_of(page);
    if (HAK_UNLIKELY(!leaf))
        return NULL;
    return atomic_load_explicit(&leaf->place[page & (HAK_MAP_LEAF_PLACES - 1)],
                                memory_order_acquire);
}

/* What begins at the page of `p` or nearest below it. Looks at as many entries as lie between. */
HAK_HIDDEN struct hak_large *hak_address_map_find_below(const void *p);

/* Calls `visit` for everything in the map, lowest address first. Returns how many there were. */
HAK_HIDDEN size_t hak_address_map_each(void (*visit)(struct hak_large *, void *), void *context);

#endif
