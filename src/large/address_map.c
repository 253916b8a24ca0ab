/* The tree from addresses to large blocks: acquire loads on the way down, release stores of what is
 * new. */
#include "large/address_map.h"

#include <stdatomic.h>
#include "large/large_memory.h"
#include "platform/platform.h"

_Atomic(struct hak_map_middle *) hak_map_root[HAK_MAP_ROOT_PLACES];
static struct hak_map_middle *spare_middle; /* both under hak_large_memory_lock */
static struct hak_map_leaf *spare_leaf;

static uintptr_t page_of(const void *p) {
    return (uintptr_t)p / HAK_PAGE_BYTES;
}
static uintptr_t root_place_of(uintptr_t page) {
    return page / HAK_MAP_LEAF_PLACES / HAK_MAP_MIDDLE_PLACES;
}
static uintptr_t middle_place_of(uintptr_t page) {
    return page / HAK_MAP_LEAF_PLACES & (HAK_MAP_MIDDLE_PLACES - 1);
}

static struct hak_map_middle *middle_of(uintptr_t page) {
    if (root_place_of(page) >= HAK_MAP_ROOT_PLACES)
        return NULL;
    return atomic_load_explicit(&hak_map_root[root_place_of(page)], memory_order_acquire);
}

/* ---- making --------------------------------------------------------------------------------- */

bool hak_address_map_reserve_locked(void) {
    if (!spare_middle)
        spare_middle = hak_reserve(sizeof *spare_middle);
    if (!spare_leaf)
        spare_leaf = hak_large_memory_take_locked(sizeof *spare_leaf);
    return spare_middle && spare_leaf;
}

bool hak_address_map_prepare_locked(const void *start) {
    uintptr_t page = page_of(start);
    if (hak_map_leaf_of(page))
        return true;
    if (root_place_of(page) >= HAK_MAP_ROOT_PLACES)
        return false;
    struct hak_map_middle *middle = middle_of(page);
    if (!middle) {
        if (!spare_middle)
            spare_middle = hak_reserve(sizeof *spare_middle);
        middle = spare_middle;
        if (!middle)
            return false;
        spare_middle = NULL;
        atomic_store_explicit(&hak_map_root[root_place_of(page)], middle, memory_order_release);
    }
    if (!spare_leaf)
        spare_leaf = hak_large_memory_take_locked(sizeof *spare_leaf);
    if (!spare_leaf)
        return false;
    atomic_store_explicit(&middle->place[middle_place_of(page)], spare_leaf, memory_order_release);
    spare_leaf = NULL;
    return true;
}

bool hak_address_map_prepare(const void *start) {
    if (HAK_LIKELY(hak_map_leaf_of(page_of(start)) != NULL))
        return true;
    hak_lock(&hak_large_memory_lock);
    bool is_ready = hak_address_map_prepare_locked(start);
    hak_unlock(&hak_large_memory_lock);
    return is_ready;
}

/* ---- use ------------------------------------------------------------------------------------ */

void hak_address_map_set(const void *start, struct hak_large *large) {
    uintptr_t page = page_of(start);
    atomic_store_explicit(&hak_map_leaf_of(page)->place[page & (HAK_MAP_LEAF_PLACES - 1)], large,
                          memory_order_release);
}

struct hak_large *hak_address_map_find_below(const void *p) {
    uintptr_t page = page_of(p);
    if (root_place_of(page) >= HAK_MAP_ROOT_PLACES)
        return NULL;
    for (;;) {
        /* Over what has no entry: as far as the tree has no branch. */
        uintptr_t empty_pages = !middle_of(page) ? HAK_MAP_LEAF_PLACES * HAK_MAP_MIDDLE_PLACES
                                : !hak_map_leaf_of(page) ? HAK_MAP_LEAF_PLACES
                                                         : 1;
        struct hak_large *large = hak_address_map_find((const void *)(page * HAK_PAGE_BYTES));
        if (large)
            return large;
        page = page / empty_pages * empty_pages;
        if (page-- == 0)
            return NULL;
    }
}

static size_t visit_leaf(struct hak_map_leaf *leaf, void (*visit)(struct hak_large *, void *),
                         void *context) {
    size_t count = 0;
    for (unsigned i = 0; i < HAK_MAP_LEAF_PLACES; i++) {
        struct hak_large *large = atomic_load_explicit(&leaf->place[i], memory_order_acquire);
        if (large) {
            visit(large, context);
            count++;
        }
    }
    return count;
}

size_t hak_address_map_each(void (*visit)(struct hak_large *, void *), void *context) {
    size_t count = 0;
    for (unsigned r = 0; r < HAK_MAP_ROOT_PLACES; r++) {
        struct hak_map_middle *middle =
            atomic_load_explicit(&hak_map_root[r], memory_order_acquire);
        for (unsigned m = 0; middle && m < HAK_MAP_MIDDLE_PLACES; m++) {
            struct hak_map_leaf *leaf =
                atomic_load_explicit(&middle->place[m], memory_order_acquire);
            if (leaf)
                count += visit_leaf(leaf, visit, context);
        }
    }
    return count;
}
