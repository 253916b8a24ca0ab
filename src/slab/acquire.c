/* Begins and ends a slab's service of a class: finds one in three stages.
 *
 *   1  EMPTY: it served before and still has its pages; one that served the class last needs no
 *      preparation at all, its free slots are known
 *   2  UNUSED: of the heap's own SuperSlabs, then of one of the pool's reserve
 *   3  of a SuperSlab that is mapped for it */
#include "slab/lists.h"

#include "hop.h"
#include "options.h"
#include "pool/pool.h"

/* Another SuperSlab is looked at for a slab that served the class last as long as few were. */
enum { HINT_SUPERSLABS = 4 };

static bool may_serve(const struct hak_superslab *superslab, unsigned class_index) {
    return hak_options.superslab_compact || superslab->home_class == class_index;
}

/* ---- a slab and its class -------------------------------------------------------------------- */

/* The slab in `choice`, a set of bits that is not 0, that served the class last, else the first. */
static unsigned choose(const struct hak_superslab *superslab, uint32_t choice,
                       unsigned class_index) {
    for (uint32_t rest = choice; rest; rest &= rest - 1) {
        unsigned index = (unsigned)__builtin_ctz(rest);
        if (superslab->slabs[index].class_index == class_index)
            return index;
    }
    return (unsigned)__builtin_ctz(choice);
}

static unsigned useful_slots(unsigned capacity) {
    unsigned useful = capacity / 2 < USEFUL_SLOTS ? capacity / 2 : USEFUL_SLOTS;
    return useful ? useful : 1;
}

/* Sets a slab up for a class. An EMPTY slab of the same class is as it was left: all carved slots
 * are free and their bits say so. Else nothing is carved, and no word of the bitmap means
 * anything. */
static void prepare(struct hak_slab *slab, unsigned class_index, bool is_dirty) {
    if (!is_dirty || slab->class_index != class_index)
        slab->carved = 0;
    slab->used = 0;
    slab->capacity = hak_class_slots(class_index);
    slab->ready_below = slab->capacity - useful_slots(slab->capacity) + 1;
    slab->class_index = (uint8_t)class_index;
    slab->first_free_word = 0;
    size_t first_offset = hak_first_slot_offset(class_index);
    struct hak_superslab *superslab = hak_superslab_of(slab);
    unsigned index = (unsigned)(slab - superslab->slabs);
    slab->bits = first_offset ? hak_small_bits_of(superslab, index) : slab->free_bits;
    slab->first_slot = hak_slot_index(class_index, first_offset);
    slab->slot_bytes = (uint32_t)hak_class_bytes(class_index);
}

/* Makes the chosen free slab of the SuperSlab serve the class, and lists it. Its pages may be
 * dirty. */
static struct hak_slab *serve(struct hak_heap *heap, struct hak_superslab *superslab,
                              uint32_t choice, unsigned class_index) {
    unsigned index = choose(superslab, choice, class_index);
    uint32_t bit = 1u << index;
    bool is_dirty = superslab->dirty_slabs & bit;
    if (is_dirty)
        set_dirty(heap, superslab, superslab->dirty_slabs & ~bit);
    if (superslab->purged_slabs & bit) {
        superslab->purged_slabs &= ~bit;
        heap->slabs_retouched++;
    }
    note_thick(heap, superslab, bit);
    set_free(heap, superslab, superslab->free_slabs & ~bit);
    struct hak_slab *slab = &superslab->slabs[index];
    prepare(slab, class_index, is_dirty);
    hop_note(HAK_SLAB_ACQUIRE, class_index, hak_slab_start(slab), hak_class_bytes(class_index));
    /* Last: a fork may come at any moment, and then it serves the class with all that belongs to
     * it, or does not serve it. */
    atomic_signal_fence(memory_order_release);
    superslab->class_of_slab[index] = (uint8_t)class_index;
    heap->active_slabs++;
    list_slab(heap, slab, wanted_list(slab));
    return slab;
}

/* ---- stage 1 --------------------------------------------------------------------------------- */

static bool serves_next(const struct hak_superslab *superslab, unsigned class_index) {
    uint32_t dirty = superslab->dirty_slabs;
    return superslab->slabs[choose(superslab, dirty, class_index)].class_index == class_index;
}

/* A SuperSlab with a dirty free slab for the class, within the scan limit; one that served the
 * class before is preferred. NULL: none. */
static struct hak_superslab *find_empty(const struct hak_heap *heap, unsigned class_index) {
    struct hak_superslab *found = NULL;
    unsigned looked_at = 0, with_empty = 0;
    for (struct hak_superslab *superslab = heap->room;
         superslab && looked_at < hak_options.empty_scan_limit && with_empty < HINT_SUPERSLABS;
         superslab = superslab->next) {
        looked_at++;
        if (!superslab->dirty_slabs || !may_serve(superslab, class_index))
            continue;
        with_empty++;
        bool is_hinted = serves_next(superslab, class_index);
        if (is_hinted || !found)
            found = superslab;
        if (is_hinted)
            break;
    }
    hop_count(HAK_COUNTED_SUPERSLAB_LOOK, class_index, looked_at);
    return found;
}

struct hak_slab *hak_slab_reuse(struct hak_heap *heap, unsigned class_index) {
    if (!hak_options.empty_reuse || heap->dirty_slabs == 0)
        return NULL;
    struct hak_superslab *superslab = find_empty(heap, class_index);
    if (!superslab)
        return NULL;
    hop_count(HAK_COUNTED_SLAB_REUSE, class_index, 1);
    return serve(heap, superslab, superslab->dirty_slabs, class_index);
}

/* ---- stages 2 and 3 -------------------------------------------------------------------------- */

/* The free slabs that are not away. */
static uint32_t free_and_there(const struct hak_superslab *superslab) {
    return superslab->free_slabs & ~superslab->away_slabs;
}

/* An UNUSED slab of the list's SuperSlabs, or, where there is none, an EMPTY one. With shared
 * SuperSlabs the first of `room` has a free slab, and all but EMPTY_REUSE=0 takes it. Of those that
 * drain the fullest of the first few serves, so that the others go. */
static struct hak_slab *claim_from(struct hak_heap *heap, struct hak_superslab *list,
                                   unsigned class_index) {
    struct hak_superslab *found = NULL;
    unsigned looked_at = 0;
    bool is_cooled = list == heap->cooled;
    for (struct hak_superslab *superslab = list;
         superslab && !(is_cooled && found && looked_at >= COOLED_LOOKS);
         superslab = superslab->next) {
        looked_at++;
        if (!free_and_there(superslab) || !may_serve(superslab, class_index))
            continue;
        if (is_cooled) {
            if (!found || superslab->used_bytes > found->used_bytes)
                found = superslab;
            continue;
        }
        found = superslab;
        if (hak_options.empty_reuse || superslab->free_slabs != superslab->dirty_slabs)
            break;
    }
    hop_count(HAK_COUNTED_SUPERSLAB_LOOK, class_index, looked_at);
    if (!found)
        return NULL;
    hop_count(HAK_COUNTED_SLAB_CLAIM, class_index, looked_at);
    uint32_t there = free_and_there(found), unused = there & ~found->dirty_slabs;
    return serve(heap, found, unused ? unused : there, class_index);
}

/* Makes a SuperSlab that just became the heap's the home of the class, and one of its free slabs,
 * with pages if there are such, serve it. */
static struct hak_slab *serve_new(struct hak_heap *heap, struct hak_superslab *superslab,
                                  unsigned class_index) {
    hak_tier_set(superslab, HAK_TIER_FREE);
    superslab->used_bytes = 0;
    superslab->home_class = (uint8_t)class_index;
    heap->slabs_thick_again += (unsigned)__builtin_popcount(superslab->thin_slabs);
    superslab->purged_slabs = superslab->thin_slabs = 0;
    link_superslab(&heap->room, superslab);
    heap->dirty_slabs += (unsigned)__builtin_popcount(superslab->dirty_slabs);
    uint32_t dirty = superslab->dirty_slabs;
    return serve(heap, superslab, dirty ? dirty : superslab->free_slabs, class_index);
}

struct hak_slab *hak_slab_acquire(struct hak_heap *heap, unsigned class_index) {
    struct hak_slab *slab = claim_from(heap, heap->room, class_index);
    if (!slab && heap->cooled)
        slab = claim_from(heap, heap->cooled, class_index);
    if (slab)
        return slab;
    struct hak_superslab *superslab = hak_pool_claim(heap->id);
    if (superslab)
        hop_count(HAK_COUNTED_SLAB_CLAIM, class_index, 1);
    else
        superslab = hak_pool_map(heap->id);
    return superslab ? serve_new(heap, superslab, class_index) : NULL;
}

/* ---- back ------------------------------------------------------------------------------------ */

void hak_superslab_release(struct hak_heap *heap, struct hak_superslab *superslab) {
    unlink_superslab(list_of(heap, superslab), superslab);
    heap->dirty_slabs -= (unsigned)__builtin_popcount(superslab->dirty_slabs);
    lower_dirty_low(heap);
    if (heap->next_few > 0)
        hak_slab_forget_few(heap, superslab);
    hak_pool_release(superslab);
}

void hak_slab_release(struct hak_heap *heap, struct hak_slab *slab) {
    struct hak_superslab *superslab = hak_superslab_of(slab);
    unsigned index = (unsigned)(slab - superslab->slabs);
    hop_note(HAK_SLAB_RELEASE, slab->class_index, hak_slab_start(slab), 0);
    superslab->class_of_slab[index] = HAK_CLASS_NONE;
    heap->active_slabs--;
    set_free(heap, superslab, superslab->free_slabs | 1u << index);
    set_dirty(heap, superslab, superslab->dirty_slabs | 1u << index);
    if (superslab->free_slabs == HAK_ALL_SLABS_FREE && !superslab->away_slabs)
        hak_superslab_release(heap, superslab);
    hak_slab_bound_dirty(heap);
}

/* Releases all slabs of a SuperSlab without a slot in use, but for those that are away; it goes
 * with the last. */
static void release_all(struct hak_heap *heap, struct hak_superslab *superslab) {
    uint32_t active = HAK_ALL_SLABS_FREE & ~superslab->free_slabs & ~superslab->away_slabs;
    for (; active; active &= active - 1) {
        struct hak_slab *slab = &superslab->slabs[__builtin_ctz(active)];
        unlist_slab(heap, slab);
        hak_slab_release(heap, slab);
    }
}

void hak_slab_empty(struct hak_heap *heap, struct hak_superslab *superslab, struct hak_slab *slab) {
    unsigned active = HAK_SLABS - 1 - (unsigned)__builtin_popcount(superslab->free_slabs);
    if (superslab->used_bytes == 0 && heap->active_slabs > active) {
        release_all(heap, superslab);
    } else if (superslab->tier == HAK_TIER_DRAINING || heap->is_closing ||
               !is_last_with_room(heap, slab)) {
        unlist_slab(heap, slab);
        hak_slab_release(heap, slab);
    } else {
        heap->has_empty = true;
    }
}

/* ---- precharge ------------------------------------------------------------------------------- */

/* True when a slab of the class with free slots is listed. */
static bool has_slab(const struct hak_heap *heap, unsigned class_index) {
    for (unsigned i = 0; i < HAK_SLAB_LISTS; i++)
        if (heap->classes[class_index].lists[i])
            return true;
    return false;
}

/* Acquires `slabs` slabs of a band, dealt over its classes, the greatest first. */
static void precharge_band(struct hak_heap *heap, unsigned band, uint64_t slabs) {
    while (slabs > 0) {
        uint64_t before = slabs;
        for (unsigned c = HAK_CLASSES; c-- > 0 && slabs > 0;) {
            if (hak_class_band[c] != band)
                continue;
            slabs--;
            if (!hak_slab_acquire(heap, c))
                return;
        }
        if (slabs == before)
            return;
    }
}

void hak_slab_precharge(struct hak_heap *heap) {
    const uint64_t slabs[] = {
        hak_options.precharge_c0, hak_options.precharge_c1, hak_options.precharge_c2,
        hak_options.precharge_c3, hak_options.precharge_c4, hak_options.precharge_c5,
        hak_options.precharge_c6, hak_options.precharge_c7,
    };
    for (unsigned band = 0; band < sizeof slabs / sizeof *slabs; band++)
        if (slabs[band] > 0 && !has_slab(heap, hak_class_of_bytes((size_t)8 << band))) {
            heap->has_empty = true;
            precharge_band(heap, band, slabs[band]);
        }
}
