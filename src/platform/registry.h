/* Finds the owner of an address: one entry for each 2 MiB of the address space, the id of the
 * owning heap.
 *
 *   address  46 ............ 21 | 20 ......... 0
 *            index, 26 bits     | inside the SuperSlab
 *
 *   flat:       entries[index]                 128 MiB reserved, only touched pages count
 *   two-level:  leaves[index >> 13][index & 8191]   where ulimit -v leaves too little for that
 *
 * 0 means: not ours. The map covers every user address, so it cannot fill and never misses a live
 * SuperSlab; a lookup is one load and no lock. An entry is written by the pool, under
 * hak_registry_lock, when a SuperSlab gets or loses an owner.
 *
 * In the two-level form `entries` stays 0: the fast paths, which know the flat form only, then miss
 * always and go through hak_registry_owner.
 *
 * Thread and signal safety: lookups from any thread and any signal handler; any value of `p`. */
#ifndef HAK_PLATFORM_REGISTRY_H
#define HAK_PLATFORM_REGISTRY_H

#include <stdatomic.h>
#include "platform/lock.h"
#include "platform/platform.h"
#include "superslab.h"

#define HAK_REGISTRY_SHIFT   21
#define HAK_REGISTRY_ENTRIES ((uintptr_t)1 << (HAK_ADDRESS_BITS - HAK_REGISTRY_SHIFT))
#define HAK_REGISTRY_SHARE   16 /* at most one part in so many of a limited address space */

enum {
    HAK_REGISTRY_PART_ENTRIES = 32 << 10, /* 64 KiB, for 64 GiB of address space */
    HAK_REGISTRY_LEAF_BITS = 13,
    HAK_REGISTRY_LEAF_ENTRIES = 1 << HAK_REGISTRY_LEAF_BITS,
    HAK_REGISTRY_LEAVES = 1 << (HAK_ADDRESS_BITS - HAK_REGISTRY_SHIFT - HAK_REGISTRY_LEAF_BITS),
};

typedef uint16_t hak_owner_t;

/* The heap of all threads that have none of their own. */
#define HAK_OWNER_SHARED 1

/* Owners that are no heap. */
#define HAK_OWNER_NOBODY  0      /* not a SuperSlab of ours */
#define HAK_OWNER_RESERVE 0xfffe /* a SuperSlab that waits in the pool's reserve */
#define HAK_OWNER_NONE    0xffff /* never an entry: the id of a thread that has no heap */

struct hak_registry {
    _Atomic(hak_owner_t) *flat;
    uintptr_t entries; /* of flat; 0 until it stands, and for good in the two-level form */
};
HAK_HIDDEN extern struct hak_registry hak_registry;

/* Of the flat form, a bit for each part that was ever written; and the leaves of the other one. */
HAK_HIDDEN extern uint64_t
    hak_registry_parts[HAK_REGISTRY_ENTRIES / HAK_REGISTRY_PART_ENTRIES / 64];
HAK_HIDDEN extern _Atomic(_Atomic(hak_owner_t) *) hak_registry_leaves[HAK_REGISTRY_LEAVES];

/* Guards the entries, each of which changes by one store: whoever holds it sees no SuperSlab go. */
HAK_HIDDEN extern struct hak_lock hak_registry_lock;

/* Makes the registry; call once, before the first SuperSlab. `flat` false forces the two-level form
 * (tests). Cannot fail: leaves of the two-level form are mapped when they are needed. */
HAK_HIDDEN void hak_registry_start(bool flat);

/* Sets the owner of the SuperSlab at `superslab`, to HAK_OWNER_NOBODY before it is unmapped; false
 * when there is no memory for a leaf. Callers hold hak_registry_lock. */
HAK_HIDDEN bool hak_registry_set(const void *superslab, hak_owner_t owner);

/* Gives a SuperSlab that has an owner another one; only its owner may do so; any thread, no lock.
 */
HAK_HIDDEN void hak_registry_change(const void *superslab, hak_owner_t owner);

/* Gives back the memory of what was never written of the flat form: the kernel fills also what is
 * only read where a program locks all it has (mlockall). Lookups go on meanwhile. Hold
 * hak_registry_lock, so that no part becomes writable. */
HAK_HIDDEN void hak_registry_empty(void);

/* In the child of a fork, on its only thread. */
HAK_HIDDEN void hak_registry_after_fork(void);

/* Calls `visit` for every SuperSlab of ours, with its owner; hold hak_registry_lock, so that
 * none goes away meanwhile. */
HAK_HIDDEN void hak_registry_each(void (*visit)(struct hak_superslab *, hak_owner_t, void *),
                                  void *context);

/* The owner of the SuperSlab that holds `p`, in either form. */
HAK_HIDDEN hak_owner_t hak_registry_owner(const void *p);

/* The owner of the SuperSlab that holds `p` if the flat form stands, else 0. */
static inline hak_owner_t hak_registry_owner_fast(const void *p) {
    uintptr_t index = (uintptr_t)p >> HAK_REGISTRY_SHIFT;
    if (HAK_UNLIKELY(index >= hak_registry.entries))
        return HAK_OWNER_NOBODY;
    return atomic_load_explicit(&hak_registry.flat[index], memory_order_relaxed);
}

/* The SuperSlab of ours that holds `p`, or NULL. One that waits in the reserve counts as ours: all
 * its class bytes are HAK_CLASS_NONE. */
static inline struct hak_superslab *hak_registry_find(const void *p) {
    return hak_registry_owner(p) == HAK_OWNER_NOBODY ? NULL : hak_superslab_of(p);
}

#endif
