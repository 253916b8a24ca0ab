/* The trees from addresses to large blocks: acquire loads on the way down, release stores of what
 * is new. */
#include "large_map/address_map.h"

#include "large_map/memory.h"

_Atomic(struct hak_map_root *) hak_map_root;

/* Under hak_large_memory_lock. */
static struct hak_map_middle *spare_middle;
static struct hak_map_leaf *spare_leaf;
static struct hak_map_granules *spare_granules;

/* Of the largest block so far: how far one can begin before a pointer into it. */
static _Atomic size_t greatest_bytes;

static bool is_big(size_t bytes) {
    return bytes > HAK_MAP_LEAF_BYTES;
}
static uintptr_t page_of(const void *p) {
    return (uintptr_t)p / HAK_PAGE_BYTES_LEAST;
}
static uintptr_t granule_of(const void *p) {
    return (uintptr_t)p >> HAK_MAP_GRANULE_BITS;
}
static struct hak_map_root *root_now(void) {
    return atomic_load_explicit(&hak_map_root, memory_order_acquire);
}

/* Marks the page of a place as used, before something is stored there; hak_large_each looks only at
 * used pages. */
static void use(_Atomic uint64_t *used, uintptr_t place) {
    uintptr_t page = place / HAK_MAP_PAGE_PLACES;
    uint64_t bit = (uint64_t)1 << page % 64;
    if (!(atomic_load_explicit(&used[page / 64], memory_order_relaxed) & bit))
        atomic_fetch_or_explicit(&used[page / 64], bit, memory_order_release);
}

/* Finds the first place from `place` on that lies on a page in use; else one not below `places`. */
static uintptr_t next_used(const _Atomic uint64_t *used, uintptr_t place, uintptr_t places) {
    for (; place < places; place = (place / HAK_MAP_PAGE_PLACES + 1) * HAK_MAP_PAGE_PLACES) {
        uintptr_t page = place / HAK_MAP_PAGE_PLACES;
        if (atomic_load_explicit(&used[page / 64], memory_order_acquire) >> page % 64 & 1)
            break;
    }
    return place;
}

/* ---- making --------------------------------------------------------------------------------- */

/* Reserves the map's root if there is none. False without memory. With the map's lock. */
static bool make_root(void) {
    if (root_now())
        return true;
    struct hak_map_root *root = hak_reserve(sizeof *root);
    atomic_store_explicit(&hak_map_root, root, memory_order_release);
    return root != NULL;
}

bool hak_address_map_reserve_locked(void) {
    if (!spare_middle)
        spare_middle = hak_reserve(sizeof *spare_middle);
    if (!spare_granules)
        spare_granules = hak_reserve(sizeof *spare_granules);
    if (!spare_leaf)
        spare_leaf = hak_large_memory_take_locked(sizeof *spare_leaf);
    return spare_middle && spare_leaf && spare_granules && make_root();
}

/* Makes the table for the big block's granule, if it is not there. False: no memory, or an address
 * beyond the map. */
static bool make_granules(struct hak_map_root *root, const void *start) {
    uintptr_t place = granule_of(start) / HAK_MAP_GRANULES;
    if (place >= HAK_MAP_GRANULE_ROOTS)
        return false;
    if (atomic_load_explicit(&root->granules[place], memory_order_relaxed))
        return true;
    struct hak_map_granules *granules =
        spare_granules ? spare_granules : hak_reserve(sizeof *granules);
    spare_granules = NULL;
    use(root->used_granules, place);
    atomic_store_explicit(&root->granules[place], granules, memory_order_release);
    return granules != NULL;
}

/* The middle table of `place`, made if it is not there. NULL without memory. */
static struct hak_map_middle *make_middle(struct hak_map_root *root, uintptr_t place) {
    struct hak_map_middle *middle =
        atomic_load_explicit(&root->middle[place], memory_order_relaxed);
    if (middle)
        return middle;
    middle = spare_middle ? spare_middle : hak_reserve(sizeof *middle);
    spare_middle = NULL;
    use(root->used_middle, place);
    atomic_store_explicit(&root->middle[place], middle, memory_order_release);
    return middle;
}

/* Makes the leaf for the block's page, if it is not there. False: no memory, or an address beyond
 * the map. */
static bool make_leaf(struct hak_map_root *root, const void *start) {
    uintptr_t leaf_number = page_of(start) / HAK_MAP_LEAF_PLACES;
    if (leaf_number / HAK_MAP_MIDDLE_PLACES >= HAK_MAP_ROOT_PLACES)
        return false;
    if (hak_map_leaf_of(root, page_of(start)))
        return true;
    struct hak_map_middle *middle = make_middle(root, leaf_number / HAK_MAP_MIDDLE_PLACES);
    if (!middle)
        return false;
    struct hak_map_leaf *leaf =
        spare_leaf ? spare_leaf : hak_large_memory_take_locked(sizeof *leaf);
    spare_leaf = NULL;
    uintptr_t place = leaf_number & (HAK_MAP_MIDDLE_PLACES - 1);
    use(middle->used, place);
    atomic_store_explicit(&middle->place[place], leaf, memory_order_release);
    return leaf != NULL;
}

bool hak_address_map_prepare_locked(const void *start, size_t bytes) {
    if (!make_root())
        return false;
    return is_big(bytes) ? make_granules(root_now(), start) : make_leaf(root_now(), start);
}

/* True when the table that a block's entry goes into is there, by its start alone: a leaf, or the
 * granules for a block above HAK_MAP_LEAF_BYTES. */
static bool is_prepared(const void *start, size_t bytes) {
    const struct hak_map_root *root = root_now();
    if (!root)
        return false;
    if (!is_big(bytes))
        return hak_map_leaf_of(root, page_of(start)) != NULL;
    uintptr_t place = granule_of(start) / HAK_MAP_GRANULES;
    return place < HAK_MAP_GRANULE_ROOTS &&
           atomic_load_explicit(&root->granules[place], memory_order_acquire) != NULL;
}

bool hak_address_map_prepare(const void *start, size_t bytes) {
    if (HAK_LIKELY(is_prepared(start, bytes)))
        return true;
    hak_lock(&hak_large_memory_lock);
    bool is_ready = hak_address_map_prepare_locked(start, bytes);
    hak_unlock(&hak_large_memory_lock);
    return is_ready;
}

/* ---- use ------------------------------------------------------------------------------------ */

/* Raises the bound of how far a search for a big block looks back; it never falls. */
static void raise_greatest_bytes(size_t bytes) {
    size_t most = atomic_load_explicit(&greatest_bytes, memory_order_relaxed);
    while (bytes > most &&
           !atomic_compare_exchange_weak_explicit(&greatest_bytes, &most, bytes,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

/* Writes `large`, or NULL, into the place of the block's first page or, of a big one, granule. */
static void store(const void *start, bool big, struct hak_large *large) {
    struct hak_map_root *root = root_now();
    uintptr_t page = page_of(start), granule = granule_of(start);
    _Atomic(struct hak_large *) *place;
    if (big) {
        struct hak_map_granules *granules =
            atomic_load_explicit(&root->granules[granule / HAK_MAP_GRANULES], memory_order_acquire);
        use(granules->used, granule & (HAK_MAP_GRANULES - 1));
        place = &granules->place[granule & (HAK_MAP_GRANULES - 1)];
    } else {
        place = &hak_map_leaf_of(root, page)->place[page & (HAK_MAP_LEAF_PLACES - 1)];
    }
    atomic_store_explicit(place, large, memory_order_release);
}

void hak_address_map_set(struct hak_large *large) {
    raise_greatest_bytes(large->mapped_bytes);
    store(large->base.p, is_big(large->mapped_bytes), large);
}

void hak_address_map_clear(const struct hak_large *large) {
    store(large->base.p, is_big(large->mapped_bytes), NULL);
}

/* Gives a block another size; false without memory. Where it goes from one tree into the other it
 * is in both for a moment. */
bool hak_address_map_resize(struct hak_large *large, size_t bytes) {
    bool was_big = is_big(large->mapped_bytes);
    if (was_big != is_big(bytes)) {
        if (!hak_address_map_prepare(large->base.p, bytes))
            return false;
        store(large->base.p, !was_big, large);
        store(large->base.p, was_big, NULL);
    }
    large->mapped_bytes = bytes;
    raise_greatest_bytes(bytes);
    return true;
}

/* ---- looking for what holds a pointer ------------------------------------------------------- */

static bool is_in(const struct hak_large *large, const void *p) {
    return large && (uintptr_t)p - base_address(large->base) < large->mapped_bytes;
}

/* Finds the nearest block up to 1 MiB that starts at the page of `p` or below: the only one that
 * can hold it. */
static struct hak_large *find_small_at_or_below(const struct hak_map_root *root, const void *p) {
    uintptr_t page = page_of(p), pages = HAK_MAP_LEAF_BYTES / HAK_PAGE_BYTES_LEAST;
    uintptr_t last = page > pages ? page - pages : 0;
    for (page++; page-- > last;) {
        struct hak_map_leaf *leaf = hak_map_leaf_of(root, page);
        struct hak_large *large = NULL;
        if (leaf)
            large = atomic_load_explicit(&leaf->place[page & (HAK_MAP_LEAF_PLACES - 1)],
                                         memory_order_acquire);
        else
            page = page / HAK_MAP_LEAF_PLACES * HAK_MAP_LEAF_PLACES;
        if (large)
            return large;
    }
    return NULL;
}

/* The nearest big block that begins at or below `p`; NULL if none does within the greatest block's
 * size. */
static struct hak_large *find_big_below(const struct hak_map_root *root, const void *p) {
    uintptr_t granule = granule_of(p);
    uintptr_t granules =
        (atomic_load_explicit(&greatest_bytes, memory_order_relaxed) >> HAK_MAP_GRANULE_BITS) + 1;
    for (uintptr_t i = 0; i <= granules && i <= granule; i++) {
        struct hak_large *large = hak_map_in_granule(root, granule - i);
        /* Of its own granule it may begin behind the pointer. */
        if (large && base_address(large->base) <= (uintptr_t)p)
            return large;
    }
    return NULL;
}

struct hak_large *hak_large_find(const void *start) {
    return hak_address_map_find(start);
}

/* Finds the large block that holds `p`; NULL: none. Looks at a leaf for each 32 KiB of 1 MiB, and
 * at a granule for each MiB of the largest block there was. */
struct hak_large *hak_large_containing(const void *p) {
    const struct hak_map_root *root = root_now();
    if (!root)
        return NULL;
    struct hak_large *large = find_small_at_or_below(root, p);
    if (!is_in(large, p))
        large = find_big_below(root, p);
    return is_in(large, p) ? large : NULL;
}

/* ---- looking at all ------------------------------------------------------------------------- */

/* Visits the block of a place, if there is one. Returns how many: 0 or 1. */
static size_t visit_place(_Atomic(struct hak_large *) *place,
                          void (*visit)(struct hak_large *, void *), void *context) {
    struct hak_large *large = atomic_load_explicit(place, memory_order_acquire);
    if (large)
        visit(large, context);
    return large != NULL;
}

/* Visits the blocks of all leaves below. Returns how many. */
static size_t visit_middle(struct hak_map_middle *middle, void (*visit)(struct hak_large *, void *),
                           void *context) {
    enum { PLACES = HAK_MAP_MIDDLE_PLACES };
    size_t count = 0;
    for (uintptr_t i = 0; (i = next_used(middle->used, i, PLACES)) < PLACES; i++) {
        struct hak_map_leaf *leaf = atomic_load_explicit(&middle->place[i], memory_order_acquire);
        for (unsigned l = 0; leaf && l < HAK_MAP_LEAF_PLACES; l++)
            count += visit_place(&leaf->place[l], visit, context);
    }
    return count;
}

/* Visits the big blocks of the table. Returns how many. */
static size_t visit_granules(struct hak_map_granules *granules,
                             void (*visit)(struct hak_large *, void *), void *context) {
    enum { PLACES = HAK_MAP_GRANULES };
    size_t count = 0;
    for (uintptr_t i = 0; (i = next_used(granules->used, i, PLACES)) < PLACES; i++)
        count += visit_place(&granules->place[i], visit, context);
    return count;
}

size_t hak_large_each(void (*visit)(struct hak_large *, void *), void *context) {
    enum { MIDDLES = HAK_MAP_ROOT_PLACES, GRANULES = HAK_MAP_GRANULE_ROOTS };
    struct hak_map_root *root = root_now();
    size_t count = 0;
    if (!root)
        return 0;
    for (uintptr_t i = 0; (i = next_used(root->used_middle, i, MIDDLES)) < MIDDLES; i++) {
        struct hak_map_middle *middle =
            atomic_load_explicit(&root->middle[i], memory_order_acquire);
        count += middle ? visit_middle(middle, visit, context) : 0;
    }
    for (uintptr_t i = 0; (i = next_used(root->used_granules, i, GRANULES)) < GRANULES; i++) {
        struct hak_map_granules *granules =
            atomic_load_explicit(&root->granules[i], memory_order_acquire);
        count += granules ? visit_granules(granules, visit, context) : 0;
    }
    return count;
}
