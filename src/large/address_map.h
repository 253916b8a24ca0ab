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

#include <stdbool.h>
#include "block.h"

struct hak_large;

/* Makes sure that hak_address_map_set works for `start`. False: no memory. The second form is for
 * whoever holds hak_large_memory_lock. */
HAK_HIDDEN bool hak_address_map_prepare(const void *start);
HAK_HIDDEN bool hak_address_map_prepare_locked(const void *start);

/* Makes sure that one call of hak_address_map_prepare_locked succeeds while the lock is held. */
HAK_HIDDEN bool hak_address_map_reserve_locked(void);

/* `large`, or NULL, begins at `start` from now on; what is seen there was written before. */
HAK_HIDDEN void hak_address_map_set(const void *start, struct hak_large *large);

/* What begins at `start`; NULL for every other address. */
HAK_HIDDEN struct hak_large *hak_address_map_find(const void *start);

/* What begins at the page of `p` or nearest below it. Looks at as many entries as lie between. */
HAK_HIDDEN struct hak_large *hak_address_map_find_below(const void *p);

/* Calls `visit` for everything in the map, lowest address first. Returns how many there were. */
HAK_HIDDEN size_t hak_address_map_each(void (*visit)(struct hak_large *, void *), void *context);

#endif
