/* Which heap gets which SuperSlab: maps them, keeps a few empty ones, unmaps the rest.
 *
 *   kernel --map--> acquire --> a heap owns it --> release --> reserve (at most 4) --> unmap
 *                      ^                                          |
 *                      +------------------------------------------+
 *
 * Who owns what: a SuperSlab in the reserve belongs to the pool, any other to the heap named by its
 * `owner` and by the registry. The pool writes both under its one lock, which is taken once for 2
 * MiB and never while the kernel works.
 *
 * May call: platform. */
#ifndef HAK_POOL_POOL_H
#define HAK_POOL_POOL_H

#include "platform/lock.h"
#include "platform/registry.h"
#include "superslab.h"

#define HAK_POOL_RESERVE 4

/* Held over fork by entry. */
HAK_HIDDEN extern struct hak_lock hak_pool_lock;

/* A SuperSlab for heap `owner`, all slabs free, registered. NULL when there is no memory. */
HAK_HIDDEN struct hak_superslab *hak_pool_acquire(hak_owner_t owner);

/* Takes back a SuperSlab without a slab in use; the caller has taken it off its lists. */
HAK_HIDDEN void hak_pool_release(struct hak_superslab *superslab);

/* Unmaps the reserve; returns the bytes of it. */
HAK_HIDDEN size_t hak_pool_trim(void);

#endif
