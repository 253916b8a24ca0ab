/* SuperSlabs between the kernel and the heaps, with a small reserve of empty ones. */
#include "pool/pool.h"

#include <string.h>
#include "hop.h"
#include "options.h"
#include "platform/arena.h"
#include "platform/tags.h"
#include "pool/reserve.h"
#include "pool/log.h"

#define SLOT_STATES_BYTES HAK_PAGES_OF(HAK_SLOT_STATES_BYTES)

static struct hak_reserve reserve;
static _Atomic uint64_t decayed_at;

/* How many places of the reserve may be filled: as many as HAKMEM_SUPERSLAB_PREWARM asks for, at
 * least HAK_POOL_RESERVE where SuperSlabs are reused. */
static unsigned count_places(void) {
    unsigned places = hak_options.superslab_reuse ? HAK_POOL_RESERVE : 0;
    return hak_options.superslab_prewarm > places ? (unsigned)hak_options.superslab_prewarm
                                                  : places;
}

/* ---- from and to the kernel ------------------------------------------------------------------ */

/* Unmaps a SuperSlab that the registry does not know (any more), and records that. */
static void unmap(struct hak_superslab *superslab) {
    hop_note(HAK_SUPERSLAB_UNMAP, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    hak_pool_log("unmapped", superslab, HAK_OWNER_NOBODY);
    if (superslab->slots)
        hak_unmap(superslab->slots, SLOT_STATES_BYTES);
    hak_arena_give(superslab);
}

/* Removes the SuperSlab from the registry, then gives it back to the kernel. */
static void forget_and_unmap(struct hak_superslab *superslab) {
    hak_lock(&hak_registry_lock);
    (void)hak_registry_set(superslab, HAK_OWNER_NOBODY);
    hak_unlock(&hak_registry_lock);
    unmap(superslab);
}

/* A new SuperSlab with all slabs free and, in the debug build, its slot states; NULL without
 * memory. */
static struct hak_superslab *map(void) {
    struct hak_superslab *superslab = hak_arena_take();
    if (!superslab)
        return NULL;
    hak_tags_fit(superslab, HAK_SUPERSLAB_BYTES);
    if (hak_is_debug_build) {
        superslab->slots = hak_reserve(SLOT_STATES_BYTES);
        if (!superslab->slots) {
            hak_arena_give(superslab);
            return NULL;
        }
    }
    memset(superslab->class_of_slab, HAK_CLASS_NONE, sizeof superslab->class_of_slab);
    superslab->free_slabs = HAK_ALL_SLABS_FREE;
    hop_note(HAK_SUPERSLAB_MAP, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    return superslab;
}

struct hak_superslab *hak_pool_map(hak_owner_t owner) {
    struct hak_superslab *superslab = map();
    if (!superslab)
        return NULL;
    atomic_store_explicit(&superslab->owner, owner, memory_order_relaxed);
    hak_lock(&hak_registry_lock);
    bool entered = hak_registry_set(superslab, owner);
    hak_unlock(&hak_registry_lock);
    if (!entered) {
        unmap(superslab);
        return NULL;
    }
    hak_pool_log("mapped", superslab, owner);
    return superslab;
}

/* ---- from and to the reserve ----------------------------------------------------------------- */

struct hak_superslab *hak_pool_claim(hak_owner_t owner) {
    struct hak_superslab *superslab = hak_reserve_claim(&reserve);
    if (!superslab)
        return NULL;
    hak_registry_change(superslab, owner);
    atomic_store_explicit(&superslab->owner, owner, memory_order_relaxed);
    hop_note(HAK_SUPERSLAB_TAKE, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    hak_pool_log("taken", superslab, owner);
    return superslab;
}

/* Puts a SuperSlab into the reserve; false: it is full. It is recorded before, as it may be claimed
 * at once. */
static bool keep(struct hak_superslab *superslab, unsigned places) {
    if (!hak_reserve_has_place(&reserve, places))
        return false;
    hop_note(HAK_SUPERSLAB_KEEP, HAK_CLASS_NONE, superslab, HAK_SUPERSLAB_BYTES);
    hak_pool_log("kept", superslab, HAK_OWNER_RESERVE);
    hak_registry_change(superslab, HAK_OWNER_RESERVE);
    return hak_reserve_keep(&reserve, places, superslab, hak_ticks());
}

void hak_pool_release(struct hak_superslab *superslab) {
    if (!hak_options.superslab_reuse || !keep(superslab, count_places()))
        forget_and_unmap(superslab);
}

void hak_pool_prewarm(void) {
    for (uint64_t i = 0; i < hak_options.superslab_prewarm; i++) {
        struct hak_superslab *superslab = hak_pool_map(HAK_OWNER_RESERVE);
        if (!superslab)
            return;
        if (!keep(superslab, count_places())) {
            forget_and_unmap(superslab);
            return;
        }
    }
}

void hak_pool_stock(void) {
    for (unsigned i = 0; i < HAK_RESERVE_PLACES; i++)
        if (atomic_load_explicit(&reserve.places[i], memory_order_relaxed))
            return;
    struct hak_superslab *superslab = hak_pool_map(HAK_OWNER_RESERVE);
    if (superslab && !keep(superslab, count_places() ? count_places() : 1))
        forget_and_unmap(superslab);
}

size_t hak_pool_trim(void) {
    size_t bytes = 0;
    struct hak_superslab *superslab;
    while ((superslab = hak_reserve_claim(&reserve)) != NULL) {
        forget_and_unmap(superslab);
        bytes += HAK_SUPERSLAB_BYTES;
    }
    return bytes;
}

void hak_pool_decay(uint64_t now, uint64_t delay) {
    uint64_t before = atomic_load_explicit(&decayed_at, memory_order_relaxed);
    if (now - before < delay ||
        !atomic_compare_exchange_strong_explicit(&decayed_at, &before, now, memory_order_relaxed,
                                                 memory_order_relaxed))
        return;
    struct hak_superslab *superslab;
    unsigned first = (unsigned)hak_options.superslab_prewarm; /* as many stay as were asked for */
    while ((superslab = hak_reserve_claim_old(&reserve, first, now, delay)) != NULL)
        forget_and_unmap(superslab);
}

void hak_pool_set_huge_pages(bool huge) {
    hak_arena_set_huge(huge);
}

void hak_pool_each_reserved(void (*visit)(struct hak_superslab *, void *), void *context) {
    for (unsigned i = 0; i < HAK_RESERVE_PLACES; i++) {
        struct hak_superslab *superslab =
            atomic_load_explicit(&reserve.places[i], memory_order_acquire);
        if (superslab)
            visit(superslab, context);
    }
}

void hak_pool_empty_registry(void) {
    if (hak_lock_is_mine(&hak_registry_lock)) /* a signal handler's call: it stays filled */
        return;
    hak_lock(&hak_registry_lock);
    hak_registry_empty();
    hak_unlock(&hak_registry_lock);
}
