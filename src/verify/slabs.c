/* Checks SuperSlabs and slabs by themselves, and the lists in which their heap has them. */
#include "verify/verify.h"

#include "pool/pool.h"
#include "slab/lists.h"

bool hak_verify_is_free(struct hak_slab *slab, unsigned slot) {
    return slab->bits[slot / 64] >> (slot & 63) & 1;
}

/* ---- a slab ---------------------------------------------------------------------------------- */

/* Checks a slab's bits against its counts. Words that hold no carved slot have no meaning; in the
 * last one that has, all others are 0. */
static void verify_bitmap(struct hak_verify *v, const struct hak_verify_where *where,
                          struct hak_slab *slab) {
    const uint64_t *bits = slab->bits;
    unsigned carved = __atomic_load_n(&slab->carved, __ATOMIC_RELAXED);
    unsigned words = (carved + 63) / 64, free_slots = 0, first_word = words;
    uint64_t beyond = carved % 64 ? bits[words - 1] >> carved % 64 : 0;
    for (unsigned word = words; word-- > 0;) {
        free_slots += (unsigned)__builtin_popcountll(bits[word]);
        if (bits[word])
            first_word = word;
    }
    hak_verify_same(v, where, HAK_VERIFY_UNCARVED_BITS, (unsigned)__builtin_popcountll(beyond), 0);
    hak_verify_same(v, where, HAK_VERIFY_FREE_SLOTS, free_slots, carved - slab->used);
    if (slab->first_free_word > first_word)
        hak_verify_differs(v, where, HAK_VERIFY_FIRST_FREE_WORD, slab->first_free_word, first_word);
}

/* Checks that the slab is in the list that its counts ask for; after a take, the rest of one that
 * is listed as ready may be less than a useful part. One that is away is in no list. */
static void verify_list_word(struct hak_verify *v, const struct hak_verify_where *where,
                             const struct hak_slab *slab) {
    const struct hak_superslab *superslab = where->superslab;
    bool is_away = superslab->away_slabs >> where->slab & 1;
    unsigned wanted = slab->used < slab->capacity && !is_away ? wanted_list(slab) : HAK_UNLISTED;
    if (slab->list != HAK_LISTED_READY || wanted != HAK_LISTED_SCARCE)
        hak_verify_same(v, where, "list (0 none, 1 ready, 2 scarce, 3 cooled)", slab->list, wanted);
}

/* Checks the data of the class that a free needs, kept in the slab. False: the bitmap's place is
 * not known. */
static bool verify_place(struct hak_verify *v, const struct hak_verify_where *where,
                         const struct hak_slab *slab, unsigned class_index) {
    size_t first_offset = hak_first_slot_offset(class_index);
    struct hak_superslab *superslab = hak_superslab_of(slab);
    unsigned index = (unsigned)(slab - superslab->slabs);
    const uint64_t *bits = first_offset > 0 ? hak_small_bits_of(superslab, index) : slab->free_bits;
    hak_verify_same(v, where, "bytes of a slot", slab->slot_bytes, hak_class_bytes(class_index));
    hak_verify_same(v, where, "number of slot 0", slab->first_slot,
                    hak_slot_index(class_index, first_offset));
    if (slab->bits != bits)
        hak_verify_wrong(v, where, "its bitmap is said to lie elsewhere");
    return slab->bits == bits && slab->class_index == class_index &&
           slab->capacity == hak_class_slots(class_index);
}

/* Compares a slab's class, counts, list word and bitmap. */
static void verify_slab(struct hak_verify *v, struct hak_verify_where *where) {
    struct hak_superslab *superslab = hak_superslab_of(where->superslab);
    struct hak_slab *slab = &superslab->slabs[where->slab];
    unsigned class_index = superslab->class_of_slab[where->slab];
    bool is_unused = superslab->free_slabs >> where->slab & 1;
    hak_verify_same(v, where, HAK_VERIFY_NO_CLASS, is_unused, class_index == HAK_CLASS_NONE);
    if (class_index == HAK_CLASS_NONE)
        return;
    if (class_index >= HAK_CLASSES) {
        hak_verify_differs(v, where, "class", class_index, HAK_CLASS_NONE);
        return;
    }
    hak_verify_same(v, where, HAK_VERIFY_OWN_CLASS, slab->class_index, class_index);
    hak_verify_same(v, where, "capacity", slab->capacity, hak_class_slots(class_index));
    if (!verify_place(v, where, slab, class_index))
        return;
    if (slab->carved > slab->capacity || slab->used > slab->carved) {
        hak_verify_differs(v, where, HAK_VERIFY_SLOTS_IN_USE, slab->used, slab->carved);
        return;
    }
    verify_list_word(v, where, slab);
    verify_bitmap(v, where, slab);
}

/* ---- a SuperSlab ----------------------------------------------------------------------------- */

/* Compares a SuperSlab of the reserve: all its slabs must be free. */
static void verify_free_superslab(struct hak_verify *v, struct hak_verify_entry *entry) {
    struct hak_verify_where where = {.superslab = entry->superslab, .cache = "in the reserve"};
    hak_verify_same(v, &where, "slabs without a class, as bits", entry->superslab->free_slabs,
                    HAK_ALL_SLABS_FREE);
    for (where.slab = 1; where.slab < HAK_SLABS; where.slab++)
        hak_verify_same(v, &where, "class", entry->superslab->class_of_slab[where.slab],
                        HAK_CLASS_NONE);
}

/* Checks that the rule of tier.c applied once more changes nothing; FREE stands until the first
 * HOT, too. */
static void verify_tier(struct hak_verify *v, const struct hak_verify_where *where) {
    const struct hak_superslab *superslab = where->superslab;
    size_t used_bytes = 0;
    for (unsigned s = 1; s < HAK_SLABS; s++) {
        unsigned class_index = superslab->class_of_slab[s];
        if (class_index < HAK_CLASSES)
            used_bytes += superslab->slabs[s].used * hak_class_bytes(class_index);
    }
    hak_verify_same(v, where, HAK_VERIFY_BYTES_IN_USE, superslab->used_bytes, used_bytes);
    hak_verify_same(v, where, "tier", superslab->tier,
                    hak_tier_after(superslab->tier, superslab->used_bytes));
    if (superslab->used_bytes >= superslab->hot_from)
        hak_verify_differs(v, where, "bytes in use from which it is HOT (more than there are)",
                           superslab->hot_from, superslab->used_bytes);
    if (superslab->used_bytes < superslab->draining_below)
        hak_verify_differs(v, where, "bytes in use below which it drains (no more than there are)",
                           superslab->draining_below, superslab->used_bytes);
}

/* Compares a SuperSlab's owner, bits, tier, and all its slabs. */
static void verify_superslab(struct hak_verify *v, struct hak_verify_entry *entry) {
    struct hak_superslab *superslab = entry->superslab;
    struct hak_verify_where where = {.heap = entry->owner, .superslab = superslab};
    hak_verify_same(v, &where, HAK_VERIFY_HEAD_OWNER,
                    atomic_load_explicit(&superslab->owner, memory_order_relaxed), entry->owner);
    if (!hak_heap_of(entry->owner))
        hak_verify_wrong(v, &where, HAK_VERIFY_NO_HEAP);
    if (superslab->dirty_slabs & ~superslab->free_slabs)
        hak_verify_differs(v, &where, "slabs with pages and no class, as bits (of the free ones)",
                           superslab->dirty_slabs, superslab->free_slabs);
    if (superslab->away_slabs & superslab->dirty_slabs)
        hak_verify_differs(v, &where, "slabs that are away, as bits (none of them has pages)",
                           superslab->away_slabs, superslab->dirty_slabs);
    if (superslab->dirty_slabs & superslab->purged_slabs)
        hak_verify_differs(v, &where, "slabs with pages, as bits (none of those purged)",
                           superslab->dirty_slabs, superslab->purged_slabs);
    hak_verify_same(v, &where, HAK_VERIFY_HEAD_CLASS, superslab->class_of_slab[0], HAK_CLASS_NONE);
    verify_tier(v, &where);
    for (where.slab = 1; where.slab < HAK_SLABS; where.slab++)
        verify_slab(v, &where);
}

/* Compares a SuperSlab of the reserve with the registry, and marks it as listed. */
static void count_reserved(struct hak_superslab *superslab, void *context) {
    struct hak_verify *v = context;
    struct hak_verify_where where = {.block = base_from(superslab), .cache = "in the reserve"};
    struct hak_verify_entry *entry = hak_verify_find(v, superslab);
    if (!entry || entry->superslab != superslab) {
        hak_verify_wrong(v, &where, "no SuperSlab is there");
        return;
    }
    hak_verify_same(v, &where, "owner in the registry", entry->owner, HAK_OWNER_RESERVE);
    if (entry->is_listed)
        hak_verify_wrong(v, &where, "has two places there");
    entry->is_listed = true;
}

void hak_verify_reserve(struct hak_verify *v) {
    size_t shown = v->disagreements, not_shown = v->not_shown;
    for (size_t i = 0; i < v->entry_count; i++)
        if (v->entries[i].owner == HAK_OWNER_RESERVE)
            verify_free_superslab(v, &v->entries[i]);
    hak_pool_each_reserved(count_reserved, v);
    for (size_t i = 0; i < v->entry_count && !v->some_lost; i++) {
        struct hak_verify_where where = {.superslab = v->entries[i].superslab};
        if (v->entries[i].owner == HAK_OWNER_RESERVE && !v->entries[i].is_listed)
            hak_verify_wrong(v, &where, "has no place in the reserve and no owner");
    }
    if (v->disagreements + v->not_shown == shown + not_shown ||
        hak_pool_moves_begun() == v->moves_before)
        return;
    v->disagreements = shown;
    v->not_shown = not_shown;
    v->reserve_at_work = true;
}

void hak_verify_slabs(struct hak_verify *v) {
    for (size_t i = 0; i < v->entry_count; i++)
        if (v->entries[i].owner != HAK_OWNER_RESERVE)
            verify_superslab(v, &v->entries[i]);
}

/* ---- the lists of a heap --------------------------------------------------------------------- */

/* Checks one of the heap's lists of SuperSlabs and marks what is in it as listed. Returns how many
 * free slabs with pages are in it. */
static unsigned verify_superslab_list(struct hak_verify *v, struct hak_heap *heap,
                                      struct hak_superslab **list, const char *name) {
    struct hak_verify_where where = {.heap = heap->id, .cache = name};
    struct hak_superslab *before = NULL;
    unsigned dirty = 0;
    for (struct hak_superslab *superslab = *list; superslab; superslab = superslab->next) {
        struct hak_verify_entry *entry = hak_verify_find(v, superslab);
        where.superslab = NULL;
        where.block = base_from(superslab);
        if (!entry || entry->superslab != superslab) {
            hak_verify_wrong(v, &where, "no SuperSlab is there");
            return dirty;
        }
        where.superslab = superslab;
        where.block = HAK_NO_BASE;
        if (entry->is_listed) {
            hak_verify_wrong(v, &where, "is listed twice");
            return dirty;
        }
        entry->is_listed = true;
        hak_verify_same(v, &where, "owner in the registry", entry->owner, heap->id);
        if (list_of(heap, superslab) != list)
            hak_verify_wrong(v, &where, "is in another list than its tier and its free slabs say");
        if (superslab->prev != before)
            hak_verify_wrong(v, &where, "its link back leads elsewhere");
        dirty += (unsigned)__builtin_popcount(superslab->dirty_slabs);
        before = superslab;
    }
    return dirty;
}

/* Checks a list of slabs of one class that have a free slot. Returns its length. */
static size_t verify_class_list(struct hak_verify *v, struct hak_heap *heap, unsigned class_index,
                                unsigned list) {
    struct hak_verify_where where = {.heap = heap->id, .cache = "list of a class"};
    struct hak_slab *before = NULL;
    size_t length = 0;
    for (struct hak_slab *slab = *head_of(heap, class_index, list); slab;
         slab = slab->next_in_list) {
        const struct hak_verify_entry *entry = hak_verify_find(v, slab);
        size_t number = entry ? (size_t)((char *)slab - (char *)entry->superslab->slabs) : 0;
        where.block = base_from(slab);
        where.superslab = NULL;
        if (!entry || number % sizeof *slab || number / sizeof *slab >= HAK_SLABS) {
            hak_verify_wrong(v, &where, "is no slab");
            return length;
        }
        where.superslab = entry->superslab;
        where.slab = (unsigned)(number / sizeof *slab);
        where.block = HAK_NO_BASE;
        hak_verify_same(v, &where, "owner in the registry", entry->owner, heap->id);
        hak_verify_same(v, &where, "class in the list of a class",
                        entry->superslab->class_of_slab[where.slab], class_index);
        hak_verify_same(v, &where, "number of the list by its own word", slab->list, list);
        if (slab->prev_in_list != before)
            hak_verify_wrong(v, &where, "its link back leads elsewhere");
        before = slab;
        if (++length > v->entry_count * HAK_SLABS) {
            hak_verify_wrong(v, &where, "the list runs in a circle");
            return length;
        }
    }
    return length;
}

/* Checks that the heap's SuperSlabs, by the registry, are in its lists; returns how many slabs say
 * they are listed, and *active how many serve a class. */
static size_t count_listed(struct hak_verify *v, const struct hak_heap *heap, size_t *active) {
    size_t listed = 0;
    for (size_t i = 0; i < v->entry_count; i++) {
        const struct hak_verify_entry *entry = &v->entries[i];
        struct hak_verify_where where = {.heap = heap->id, .superslab = entry->superslab};
        if (entry->owner != heap->id)
            continue;
        if (!entry->is_listed)
            hak_verify_wrong(v, &where, "is in no list of its heap");
        for (unsigned s = 1; s < HAK_SLABS; s++)
            if (entry->superslab->class_of_slab[s] < HAK_CLASSES) {
                ++*active;
                listed += entry->superslab->slabs[s].list != HAK_UNLISTED;
            }
    }
    return listed;
}

static size_t count_draining(const struct hak_verify *v, const struct hak_heap *heap) {
    size_t count = 0;
    for (size_t i = 0; i < v->entry_count; i++)
        count +=
            v->entries[i].owner == heap->id && v->entries[i].superslab->tier == HAK_TIER_DRAINING;
    return count;
}

void hak_verify_heap(struct hak_verify *v, struct hak_heap *heap) {
    struct hak_verify_where where = {.heap = heap->id};
    unsigned dirty = verify_superslab_list(v, heap, &heap->room, "list with room") +
                     verify_superslab_list(v, heap, &heap->full, "list without room") +
                     verify_superslab_list(v, heap, &heap->cooled, "list of the draining");
    hak_verify_same(v, &where, "free slabs with pages", heap->dirty_slabs, dirty);
    hak_verify_same(v, &where, "SuperSlabs that drain", heap->cooled_superslabs,
                    count_draining(v, heap));
    size_t length = 0;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        for (unsigned list = HAK_LISTED_READY; list <= HAK_SLAB_LISTS; list++)
            length += verify_class_list(v, heap, c, list);
    size_t active = 0, listed = count_listed(v, heap, &active);
    hak_verify_same(v, &where, "slabs in the lists of classes (marked so)", length, listed);
    hak_verify_same(v, &where, "slabs that serve a class", heap->active_slabs, active);
}
