/* SuperSlabs between the kernel and the heaps, with a small reserve of empty ones. */
#include "pool/pool.h"

#include <string.h>
#include "hop.h"

#define SLOT_STATES_BYTES                                                                          \
    HAK_PAGES_OF((HAK_SLABS - 1) * (size_t)HAK_SLOTS_OF_SLAB * sizeof(struct hak_slot))
#define ALL_SLABS_FREE 0xfffffffeu /* slab 0 is the head */

struct hak_lock hak_pool_lock;

static struct hak_superslab *reserve;
static unsigned reserve_count;

static void unmap(struct hak_superslab *superslab) {
    hop_note(HAK_SUPERSLAB_UNMAP, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    if (superslab->slots)
        hak_unmap(superslab->slots, SLOT_STATES_BYTES);
    hak_unmap(superslab, HAK_SUPERSLAB_BYTES);
}

static struct hak_superslab *map(void) {
    struct hak_superslab *superslab = hak_map_aligned(HAK_SUPERSLAB_BYTES, HAK_SUPERSLAB_BYTES);
    if (!superslab)
        return NULL;
    hak_decline_huge_pages(superslab, HAK_SUPERSLAB_BYTES);
    if (hak_is_debug_build) {
        superslab->slots = hak_reserve(SLOT_STATES_BYTES);
        if (!superslab->slots) {
            hak_unmap(superslab, HAK_SUPERSLAB_BYTES);
            return NULL;
        }
    }
    memset(superslab->class_of_slab, HAK_CLASS_NONE, sizeof superslab->class_of_slab);
    superslab->free_slabs = ALL_SLABS_FREE;
    hop_note(HAK_SUPERSLAB_MAP, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    return superslab;
}

static struct hak_superslab *take_from_reserve(hak_owner_t owner) {
    hak_lock(&hak_pool_lock);
    struct hak_superslab *superslab = reserve;
    if (superslab) {
        reserve = superslab->next;
        reserve_count--;
        (void)hak_registry_set(superslab, owner); /* its entry exists */
    }
    hak_unlock(&hak_pool_lock);
    if (superslab)
        hop_note(HAK_SUPERSLAB_TAKE, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    return superslab;
}

static bool enter(struct hak_superslab *superslab, hak_owner_t owner) {
    hak_lock(&hak_pool_lock);
    bool entered = hak_registry_set(superslab, owner);
    hak_unlock(&hak_pool_lock);
    return entered;
}

struct hak_superslab *hak_pool_acquire(hak_owner_t owner) {
    struct hak_superslab *superslab = take_from_reserve(owner);
    if (!superslab) {
        superslab = map();
        if (superslab && !enter(superslab, owner)) {
            unmap(superslab);
            superslab = NULL;
        }
    }
    if (superslab)
        atomic_store_explicit(&superslab->owner, owner, memory_order_relaxed);
    return superslab;
}

size_t hak_pool_trim(void) {
    size_t bytes = 0;
    for (;;) {
        hak_lock(&hak_pool_lock);
        struct hak_superslab *superslab = reserve;
        if (superslab) {
            reserve = superslab->next;
            reserve_count--;
            (void)hak_registry_set(superslab, HAK_OWNER_NOBODY);
        }
        hak_unlock(&hak_pool_lock);
        if (!superslab)
            return bytes;
        unmap(superslab);
        bytes += HAK_SUPERSLAB_BYTES;
    }
}

void hak_pool_release(struct hak_superslab *superslab) {
    hak_lock(&hak_pool_lock);
    bool keep = reserve_count < HAK_POOL_RESERVE;
    (void)hak_registry_set(superslab, keep ? HAK_OWNER_RESERVE : HAK_OWNER_NOBODY);
    if (keep) {
        superslab->next = reserve;
        reserve = superslab;
        reserve_count++;
    }
    hak_unlock(&hak_pool_lock);
    if (keep)
        hop_note(HAK_SUPERSLAB_KEEP, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    else
        unmap(superslab);
}
