/* The registry's two forms: a flat sparse array, and two levels where that cannot be reserved. */
#include "platform/registry.h"

enum {
    LEAF_BITS = 13,
    LEAF_ENTRIES = 1 << LEAF_BITS,
    LEAVES = 1 << (HAK_ADDRESS_BITS - HAK_REGISTRY_SHIFT - LEAF_BITS),
};

struct hak_registry hak_registry;

/* 64 KiB of which nothing is touched in the flat form. */
static _Atomic(_Atomic(hak_owner_t) *) leaves[LEAVES];

void hak_registry_start(bool flat) {
    size_t bytes = HAK_REGISTRY_ENTRIES * sizeof *hak_registry.flat;
    /* A reserve that is granted takes its addresses from the program's own limit. */
    if (!flat || hak_address_space_limit() / HAK_REGISTRY_SHARE < bytes)
        return;
    hak_registry.flat = hak_reserve(bytes);
    if (hak_registry.flat)
        hak_registry.entries = HAK_REGISTRY_ENTRIES;
}

static _Atomic(hak_owner_t) *find_entry(uintptr_t index, bool make) {
    _Atomic(_Atomic(hak_owner_t) *) *place = &leaves[index >> LEAF_BITS];
    _Atomic(hak_owner_t) *leaf = atomic_load_explicit(place, memory_order_acquire);
    if (!leaf && make) {
        leaf = hak_reserve(LEAF_ENTRIES * sizeof *leaf);
        atomic_store_explicit(place, leaf, memory_order_release);
    }
    return leaf ? leaf + (index & (LEAF_ENTRIES - 1)) : NULL;
}

bool hak_registry_set(const void *superslab, hak_owner_t owner) {
    uintptr_t index = (uintptr_t)superslab >> HAK_REGISTRY_SHIFT;
    _Atomic(hak_owner_t) *entry = NULL;
    if (hak_registry.entries)
        entry = index < hak_registry.entries ? &hak_registry.flat[index] : NULL;
    else if (index < HAK_REGISTRY_ENTRIES)
        entry = find_entry(index, owner != HAK_OWNER_NOBODY);
    if (!entry)
        return owner == HAK_OWNER_NOBODY;
    atomic_store_explicit(entry, owner, memory_order_release);
    return true;
}

hak_owner_t hak_registry_owner(const void *p) {
    if (HAK_LIKELY(hak_registry.entries != 0))
        return hak_registry_owner_fast(p);
    uintptr_t index = (uintptr_t)p >> HAK_REGISTRY_SHIFT;
    if (index >= HAK_REGISTRY_ENTRIES)
        return HAK_OWNER_NOBODY;
    _Atomic(hak_owner_t) *entry = find_entry(index, false);
    return entry ? atomic_load_explicit(entry, memory_order_relaxed) : HAK_OWNER_NOBODY;
}
