/* The way of a call: finds the layer that serves a size, and the layer that gets a block back.
 *
 *   take:   slot bytes <= 32 KiB --> class --> band --> the way of the band:
 *             TINY_ONLY    the tiny fronts, or nothing
 *             TINY_FIRST   the tiny fronts; without memory for them a greater block that mid has
 *             POOL_ONLY    mid: its ring, its list, the slabs; all bands above C7
 *           above                --> large
 *   give:   the registry's owner of the address
 *             my heap      --> array or magazine
 *             another heap --> remote
 *             nobody       --> large, if its table knows the address, else it is not ours
 *
 * A size's way is decided on the bytes that its slot must hold. The eight ways of C0 to C7 are
 * eight bytes, made once from HAKMEM_TINY_PROFILE and HAKMEM_TINY_MAX_CLASS; the fast paths do not
 * ask for them, since a ring of mid is the same array as a tiny front.
 *
 * No lock. Everything that is called often is inline, so that a report's frames read
 * magazine_flush <- free <- program.
 *
 * May call: front, mid, large, slab. */
#ifndef HAK_ROUTE_ROUTE_H
#define HAK_ROUTE_ROUTE_H

#include "check.h"
#include "front/front.h"
#include "front/take.h"
#include "large/hot.h"
#include "large/large.h"

#define HAK_TINY_BANDS 8 /* C0 to C7 */

enum hak_route {
    HAK_ROUTE_TINY_ONLY,
    HAK_ROUTE_TINY_FIRST,
    HAK_ROUTE_POOL_ONLY,
};

/* enum hak_route of C0 to C7; read-only after hak_route_start. */
HAK_HIDDEN extern uint8_t hak_route_of_band[HAK_TINY_BANDS];

/* Makes the table from the options, and tells mid which classes are its own; then the front's plan
 * is made. Call once, after hak_options_read and before the first thread. From then on the blocks
 * that large keeps decay with the fronts. (route.c) */
HAK_HIDDEN void hak_route_start(void);

/* The way of a class. (route.c) */
HAK_HIDDEN enum hak_route hak_route_of_class(unsigned class_index);

/* A block with its class; HAK_CLASS_NONE for a large one. */
struct hak_taken {
    base_t base;
    unsigned class_index;
};

/* The class for a slot of `slot_bytes` whose start is aligned; HAK_CLASS_NONE: large. `alignment`
 * is 0 or a power of two. */
static inline unsigned hak_route_class(size_t slot_bytes, size_t alignment) {
    if (HAK_UNLIKELY(slot_bytes > HAK_CLASS_MAX_BYTES))
        return HAK_CLASS_NONE;
    return alignment ? hak_class_of_aligned(slot_bytes, alignment) : hak_class_of_bytes(slot_bytes);
}

/* Takes a block of the class where the thread's array is empty or there is none: by the front's
 * slow path, or of the shared heap for a thread without a heap of its own. The thread is set up.
 * HAK_NO_BASE without memory. */
static inline base_t hak_route_take_slowly(unsigned class_index) {
    if (HAK_UNLIKELY(hak_thread.state != HAK_THREAD_OWN))
        return hak_front_take_shared(class_index);
    return hak_front_take(class_index);
}

/* route.c: takes a block of a greater class, which mid still has and which keeps `alignment`, for a
 * class of a band TINY_FIRST that has no memory left. HAK_NO_BASE: there is none, or the thread has
 * no heap of its own. */
HAK_HIDDEN HAK_COLD struct hak_taken hak_route_take_instead(unsigned class_index, size_t alignment);

/* Takes a block for `slot_bytes`, of a class or a large one; its base is HAK_NO_BASE without
 * memory. `caller` is where the program goes on after its call. The thread is set up. */
static inline struct hak_taken hak_route_take(size_t slot_bytes, size_t alignment,
                                              const void *caller) {
    struct hak_taken taken = {HAK_NO_BASE, hak_route_class(slot_bytes, alignment)};
    if (HAK_UNLIKELY(taken.class_index == HAK_CLASS_NONE)) {
        taken.base = hak_large_take(slot_bytes, alignment, caller);
        return taken;
    }
    taken.base = hak_array_pop(taken.class_index);
    if (HAK_UNLIKELY(!taken.base.p))
        taken.base = hak_route_take_slowly(taken.class_index);
    if (HAK_UNLIKELY(!taken.base.p))
        taken = hak_route_take_instead(taken.class_index, alignment);
    return taken;
}

/* The same for one whose class is large, with room behind it to grow into. Debug build. */
static inline struct hak_taken hak_route_take_with_room(size_t slot_bytes, size_t room_bytes,
                                                        const void *caller) {
    return (struct hak_taken){hak_large_take_with_room(slot_bytes, room_bytes, caller),
                              HAK_CLASS_NONE};
}

/* Puts a block back that was taken and that the program cannot have: into its array or magazine. A
 * large block, one for a full array or of a thread without its own heap is left as it is. Debug
 * build. */
static inline void hak_route_put_back(struct hak_taken taken) {
    if (hak_thread.state != HAK_THREAD_OWN || taken.class_index == HAK_CLASS_NONE)
        return;
    enum hak_way way = hak_way_of(taken.class_index);
    if (way == HAK_WAY_ARRAY && !hak_array_is_full(taken.class_index)) {
        hak_array_push(taken.class_index, taken.base);
    } else if (way == HAK_WAY_MAGAZINE) {
        struct hak_cache *magazine = hak_magazine_of(taken.class_index);
        magazine->blocks[magazine->count++] = taken.base;
    }
}

/* Gives back to the kernel what this thread, ended threads and the process keep for later blocks:
 * caches, pages of empty slabs, spare SuperSlabs and mappings. Returns the bytes of it (what other
 * threads keep stays theirs). Takes no long lock; not for signal handlers. (route.c) */
HAK_HIDDEN size_t hak_route_trim(void);

/* route.c: the plain build ends the program with a message for a block that is no slot of ours. In
 * the debug build it does nothing, as the fault was told before. */
HAK_HIDDEN void hak_route_refuse(base_t base);

/* Gives the block back to this thread's own cache; a pointer that is no slot's start is refused.
 * `kind` is HAK_FREE or HAK_REALLOC_FROM. */
HAK_IN_PLACE void hak_route_give_own(base_t base, enum hak_record_kind kind) {
    unsigned class_index = hak_front_class_of(base);
    if (HAK_UNLIKELY(!hak_is_slot_start(base.p, class_index))) {
        hak_route_refuse(base);
        return;
    }
    hak_front_give(class_index, base, kind);
}

/* Checks and records the end of the block, then gives it by its owner: own heap, this thread's
 * cache; another heap, its remote list; nobody, large. False, in the debug build alone: no block of
 * ours. It is inlined into free, as each frame more would be walked for each stack. */
HAK_IN_PLACE bool hak_route_give(base_t base, enum hak_record_kind kind) {
    hak_owner_t owner = hak_registry_owner(base.p);
    if (HAK_LIKELY(owner == hak_thread.heap_id)) {
        hak_route_give_own(base, kind);
        return true;
    }
    if (owner != HAK_OWNER_NOBODY) {
        if (check_freed(base, kind, HAK_PLACE_REMOTE))
            hak_remote_put(owner, base);
        return true;
    }
    if (hak_is_debug_build && !hak_large_find(base.p))
        return false;
    if (!check_freed(base, kind, HAK_PLACE_LARGE))
        return true;
    return kind == HAK_REALLOC_FROM ? hak_large_give_outgrown(base) : hak_large_give(base);
}

/* Bytes of the slot or mapping that starts at `base`; 0 when it is no block of ours. */
static inline size_t hak_route_slot_bytes(base_t base) {
    if (HAK_LIKELY(hak_registry_owner(base.p) != HAK_OWNER_NOBODY)) {
        unsigned class_index = hak_front_class_of(base);
        return class_index < HAK_CLASSES ? hak_class_bytes(class_index) : 0;
    }
    const struct hak_large *large = hak_large_find(base.p);
    return large && hak_large_is_live(large) ? large->mapped_bytes : 0;
}

#endif
