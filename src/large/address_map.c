/* The tree from addresses to large blocks: acquire loads on the way down, release stores of what is
 * new. */
#include "large/address_map.h"

#include <stdatomic.h>
#include "large/large_memory.h"
#include "platform/platform.h"

enum { PAGE_BITS = 12, LEAF_BITS = 9, MIDDLE_BITS = 13 };
enum {
    ROOT_PLACES = 1 << (HAK_ADDRESS_BITS - PAGE_BITS - LEAF_BITS - MIDDLE_BITS),
    MIDDLE_PLACES = 1 << MIDDLE_BITS,
    LEAF_PLACES = 1 << LEAF_BITS,
};

struct leaf {
    _Atomic(struct hak_large *) place[LEAF_PLACES];
};

struct middle {
    _Atomic(struct leaf *) place[MIDDLE_PLACES];
};

static _Atomic(struct middle *) root[ROOT_PLACES];
static struct middle *spare_middle; /* both under hak_large_memory_lock */
static struct leaf *spare_leaf;

static uintptr_t page_of(const void *p) {
    return (uintptr_t)p >> PAGE_BITS;
}
static uintptr_t root_place_of(uintptr_t page) {
    return page >> (LEAF_BITS + MIDDLE_BITS);
}
static uintptr_t middle_place_of(uintptr_t page) {
    return page >> LEAF_BITS & (MIDDLE_PLACES - 1);
}
static uintptr_t leaf_place_of(uintptr_t page) {
    return page & (LEAF_PLACES - 1);
}

static struct middle *middle_of(uintptr_t page) {
    if (HAK_UNLIKELY(root_place_of(page) >= ROOT_PLACES))
        return NULL;
    return atomic_load_explicit(&root[root_place_of(page)], memory_order_acquire);
}

static struct leaf *leaf_of(uintptr_t page) {
    struct middle *middle = middle_of(page);
    if (HAK_UNLIKELY(!middle))
        return NULL;
    return atomic_load_explicit(&middle->place[middle_place_of(page)], memory_order_acquire);
}

/* ---- making --------------------------------------------------------------------------------- */

static bool fill_spares(void) {
    if (!spare_middle)
        spare_middle = hak_reserve(sizeof *spare_middle);
    if (!spare_leaf)
        spare_leaf = hak_large_memory_take_locked(sizeof *spare_leaf);
    return spare_middle && spare_leaf;
}

bool hak_address_map_reserve_locked(void) {
    return fill_spares();
}

bool hak_address_map_prepare_locked(const void *start) {
    uintptr_t page = page_of(start);
    if (leaf_of(page))
        return true;
    if (root_place_of(page) >= ROOT_PLACES)
        return false;
    struct middle *middle = middle_of(page);
    if (!middle) {
        if (!spare_middle)
            spare_middle = hak_reserve(sizeof *spare_middle);
        middle = spare_middle;
        if (!middle)
            return false;
        spare_middle = NULL;
        atomic_store_explicit(&root[root_place_of(page)], middle, memory_order_release);
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
    if (HAK_LIKELY(leaf_of(page_of(start)) != NULL))
        return true;
    hak_lock(&hak_large_memory_lock);
    bool is_ready = hak_address_map_prepare_locked(start);
    hak_unlock(&hak_large_memory_lock);
    return is_ready;
}

/* ---- use ------------------------------------------------------------------------------------ */

void hak_address_map_set(const void *start, struct hak_large *large) {
    uintptr_t page = page_of(start);
    atomic_store_explicit(&leaf_of(page)->place[leaf_place_of(page)], large, memory_order_release);
}

static struct hak_large *find_page(uintptr_t page) {
    struct leaf *leaf = leaf_of(page);
    if (HAK_UNLIKELY(!leaf))
        return NULL;
    return atomic_load_explicit(&leaf->place[leaf_place_of(page)], memory_order_acquire);
}

struct hak_large *hak_address_map_find(const void *start) {
    if (HAK_UNLIKELY(((uintptr_t)start & (HAK_PAGE_BYTES - 1)) != 0))
        return NULL;
    return find_page(page_of(start));
}

struct hak_large *hak_address_map_find_below(const void *p) {
    uintptr_t page = page_of(p);
    if (root_place_of(page) >= ROOT_PLACES)
        return NULL;
    for (;;) {
        /* Over what has no entry: as far as the tree has no branch. */
        uintptr_t empty_bits = !middle_of(page) ? LEAF_BITS + MIDDLE_BITS
                               : !leaf_of(page) ? LEAF_BITS
                                                : 0;
        struct hak_large *large = empty_bits ? NULL : find_page(page);
        if (large)
            return large;
        page = page >> empty_bits << empty_bits;
        if (page-- == 0)
            return NULL;
    }
}

static size_t visit_leaf(struct leaf *leaf, void (*visit)(struct hak_large *, void *),
                         void *context) {
    size_t count = 0;
    for (unsigned i = 0; i < LEAF_PLACES; i++) {
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
    for (unsigned r = 0; r < ROOT_PLACES; r++) {
        struct middle *middle = atomic_load_explicit(&root[r], memory_order_acquire);
        for (unsigned m = 0; middle && m < MIDDLE_PLACES; m++) {
            struct leaf *leaf = atomic_load_explicit(&middle->place[m], memory_order_acquire);
            if (leaf)
                count += visit_leaf(leaf, visit, context);
        }
    }
    return count;
}
