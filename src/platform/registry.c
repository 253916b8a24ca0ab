/* The registry's two forms: a flat sparse array, and two levels where that cannot be reserved. */
#include "platform/registry.h"

#include <string.h>

struct hak_registry hak_registry;
struct hak_lock hak_registry_lock;

/* 64 KiB of which nothing is touched in the flat form. */
_Alignas(HAK_PAGE_BYTES_MOST) _Atomic(_Atomic(hak_owner_t) *)
    hak_registry_leaves[HAK_REGISTRY_LEAVES];

/* The flat form is writable in the parts that were written: a program that locks all its memory
 * (mlockall) would otherwise fill it. With the rest kernels without a shared page of zeros do so
 * all the same: hak_registry_empty. */
uint64_t hak_registry_parts[HAK_REGISTRY_ENTRIES / HAK_REGISTRY_PART_ENTRIES / 64];

/* Makes the flat table's part with this entry writable, once. False: the kernel refuses. With the
 * lock. */
static bool make_writable(uintptr_t index) {
    uintptr_t part = index / HAK_REGISTRY_PART_ENTRIES;
    uint64_t bit = (uint64_t)1 << part % 64;
    if (!(hak_registry_parts[part / 64] & bit)) {
        if (!hak_open_untouched(&hak_registry.flat[part * HAK_REGISTRY_PART_ENTRIES],
                                HAK_REGISTRY_PART_ENTRIES * sizeof *hak_registry.flat))
            return false;
        hak_registry_parts[part / 64] |= bit;
    }
    return true;
}

void hak_registry_start(bool flat) {
    size_t bytes = HAK_REGISTRY_ENTRIES * sizeof *hak_registry.flat;
    /* A reserve that is granted takes its addresses from the program's own limit. */
    if (!flat || hak_address_space_limit() / HAK_REGISTRY_SHARE < bytes)
        return;
    memset(hak_registry_parts, 0, sizeof hak_registry_parts);
    hak_registry.flat = hak_reserve_read_only(bytes);
    if (hak_registry.flat)
        hak_registry.entries = HAK_REGISTRY_ENTRIES;
}

static bool is_written(uintptr_t part) {
    return hak_registry_parts[part / 64] >> part % 64 & 1;
}

void hak_registry_empty(void) {
    enum { PART_BYTES = HAK_REGISTRY_PART_ENTRIES * sizeof *hak_registry.flat };
    uintptr_t parts = hak_registry.entries / HAK_REGISTRY_PART_ENTRIES, run = 0;
    for (uintptr_t part = 0; part <= parts; part++) {
        if (part < parts && !is_written(part)) {
            run++;
            continue;
        }
        if (run)
            hak_discard_locked((char *)hak_registry.flat + (part - run) * PART_BYTES,
                               run * PART_BYTES);
        run = 0;
    }
}

/* Finds the registry's entry of an address in its leaf, which is made where `make` says so; NULL:
 * there is no leaf. */
static _Atomic(hak_owner_t) *find_entry(uintptr_t index, bool make) {
    _Atomic(_Atomic(hak_owner_t) *) *place = &hak_registry_leaves[index >> HAK_REGISTRY_LEAF_BITS];
    _Atomic(hak_owner_t) *leaf = atomic_load_explicit(place, memory_order_acquire);
    if (!leaf && make) {
        leaf = hak_reserve(HAK_REGISTRY_LEAF_ENTRIES * sizeof *leaf);
        atomic_store_explicit(place, leaf, memory_order_release);
    }
    return leaf ? leaf + (index & (HAK_REGISTRY_LEAF_ENTRIES - 1)) : NULL;
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

/* Visits the SuperSlabs of these entries that have an owner. */
static void visit_entries(const _Atomic(hak_owner_t) *entries, uintptr_t first_index,
                          uintptr_t count, visit_function *visit, void *context) {
    for (uintptr_t i = 0; i < count; i++) {
        hak_owner_t owner = atomic_load_explicit(&entries[i], memory_order_acquire);
        if (owner != HAK_OWNER_NOBODY)
            visit((struct hak_superslab *)((first_index + i) << HAK_REGISTRY_SHIFT), owner,
                  context);
    }
}

void hak_registry_each(visit_function *visit, void *context) {
    for (uintptr_t part = 0; part < hak_registry.entries / HAK_REGISTRY_PART_ENTRIES; part++)
        if (is_written(part))
            visit_entries(&hak_registry.flat[part * HAK_REGISTRY_PART_ENTRIES],
                          part * HAK_REGISTRY_PART_ENTRIES, HAK_REGISTRY_PART_ENTRIES, visit,
                          context);
    for (uintptr_t i = 0; i < HAK_REGISTRY_LEAVES && hak_registry.entries == 0; i++) {
        _Atomic(hak_owner_t) *leaf =
            atomic_load_explicit(&hak_registry_leaves[i], memory_order_acquire);
        if (leaf)
            visit_entries(leaf, i << HAK_REGISTRY_LEAF_BITS, HAK_REGISTRY_LEAF_ENTRIES, visit,
                          context);
    }
}

/* Nothing to make anew: an entry changes by one store. */
void hak_registry_after_fork(void) {
    (void)hak_lock_was_left(&hak_registry_lock);
}
