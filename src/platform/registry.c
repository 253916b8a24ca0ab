/* The registry's two forms: a flat sparse array, and two levels where that cannot be reserved. */
#include "platform/registry.h"

#include <string.h>

enum {
    PART_ENTRIES = 32 << 10, /* 64 KiB, for 64 GiB of address space */
    LEAF_BITS = 13,
    LEAF_ENTRIES = 1 << LEAF_BITS,
    LEAVES = 1 << (HAK_ADDRESS_BITS - HAK_REGISTRY_SHIFT - LEAF_BITS),
};

struct hak_registry hak_registry;

/* 64 KiB of which nothing is touched in the flat form. */
static _Atomic(_Atomic(hak_owner_t) *) leaves[LEAVES];

/* The flat form is writable in the parts that were written: a program that locks all its memory
 * (mlockall) would otherwise fill it. */
static uint64_t is_writable[HAK_REGISTRY_ENTRIES / PART_ENTRIES / 64];

static bool make_writable(uintptr_t index) {
    uintptr_t part = index / PART_ENTRIES;
    uint64_t bit = (uint64_t)1 << part % 64;
    if (!(is_writable[part / 64] & bit)) {
        if (!hak_allow_writes(&hak_registry.flat[part * PART_ENTRIES],
                              PART_ENTRIES * sizeof *hak_registry.flat))
            return false;
        is_writable[part / 64] |= bit;
    }
    return true;
}

void hak_registry_start(bool flat) {
    size_t bytes = HAK_REGISTRY_ENTRIES * sizeof *hak_registry.flat;
    /* A reserve that is granted takes its addresses from the program's own limit. */
    if (!flat || hak_address_space_limit() / HAK_REGISTRY_SHARE < bytes)
        return;
    memset(is_writable, 0, sizeof is_writable);
    hak_registry.flat = hak_reserve_read_only(bytes);
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
        entry =
            index < hak_registry.entries && make_writable(index) ? &hak_registry.flat[index] : NULL;
    else if (index < HAK_REGISTRY_ENTRIES)
        entry = find_entry(index, owner != HAK_OWNER_NOBODY);
    if (!entry)
        return owner == HAK_OWNER_NOBODY;
    atomic_store_explicit(entry, owner, memory_order_release);
    return true;
}

void hak_registry_change(const void *superslab, hak_owner_t owner) {
    uintptr_t index = (uintptr_t)superslab >> HAK_REGISTRY_SHIFT;
    _Atomic(hak_owner_t) *entry =
        hak_registry.entries ? &hak_registry.flat[index] : find_entry(index, false);
    atomic_store_explicit(entry, owner, memory_order_release);
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

typedef void visit_function(struct hak_superslab *, hak_owner_t, void *);

static void visit_entries(const _Atomic(hak_owner_t) *entries, uintptr_t first_index,
                          uintptr_t count, visit_function *visit, void *context) {
    for (uintptr_t i = 0; i < count; i++) {
        hak_owner_t owner = atomic_load_explicit(&entries[i], memory_order_relaxed);
        if (owner != HAK_OWNER_NOBODY)
            visit((struct hak_superslab *)((first_index + i) << HAK_REGISTRY_SHIFT), owner,
                  context);
    }
}

void hak_registry_each(visit_function *visit, void *context) {
    for (uintptr_t part = 0; part < hak_registry.entries / PART_ENTRIES; part++)
        if (is_writable[part / 64] >> part % 64 & 1)
            visit_entries(&hak_registry.flat[part * PART_ENTRIES], part * PART_ENTRIES,
                          PART_ENTRIES, visit, context);
    for (uintptr_t i = 0; i < LEAVES && hak_registry.entries == 0; i++) {
        _Atomic(hak_owner_t) *leaf = atomic_load_explicit(&leaves[i], memory_order_acquire);
        if (leaf)
            visit_entries(leaf, i << LEAF_BITS, LEAF_ENTRIES, visit, context);
    }
}
