/* The owner's work on slots: takes them by bitmap and by carving, gives them back. */
#include "slab/lists.h"

#include "hop.h"
#include "slab/tags.h"

/* A refill is content with one part in so many of what it wants, rather than look at another slab.
 */
enum { USEFUL_PART = 4 };

/* ---- slots out ------------------------------------------------------------------------------- */

/* Takes up to `wanted` slots that were given back, by their bits; `free_slots` is how many there
 * are. Returns how many it took. */
static unsigned take_free(struct hak_slab *slab, unsigned free_slots, base_t *out,
                          unsigned wanted) {
    if (wanted > free_slots)
        wanted = free_slots;
    uint64_t *bits = slab->bits;
    size_t slot_bytes = slab->slot_bytes;
    char *first = hak_slab_start(slab) + slab->first_slot * slot_bytes;
    unsigned word = slab->first_free_word;
    unsigned taken = 0;
    while (taken < wanted) {
        while (bits[word] == 0)
            word++;
        unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits[word]);
        bits[word] &= bits[word] - 1;
        out[taken++] = base_from(first + slot * slot_bytes);
    }
    slab->first_free_word = (uint16_t)word;
    return taken;
}

/* Takes up to `wanted` slots that were never handed out; returns how many. A word of the bitmap
 * gets a meaning when its first slot is carved: before, nobody has looked at it, so that a slab
 * that begins to serve a class costs nothing more. */
static unsigned carve(struct hak_slab *slab, base_t *out, unsigned wanted) {
    unsigned left = slab->capacity - slab->carved;
    if (wanted > left)
        wanted = left;
    size_t slot_bytes = slab->slot_bytes;
    char *next = hak_slab_start(slab) + slab->first_slot * slot_bytes + slab->carved * slot_bytes;
    for (unsigned i = 0; i < wanted; i++, next += slot_bytes)
        out[i] = base_from(next);
    if (hak_light_has_tags())
        hak_slab_tag_carved(slab, slab->carved, wanted);
    uint64_t *bits = slab->bits;
    unsigned carved = slab->carved + wanted;
    for (unsigned word = (slab->carved + 63) / 64; word * 64 < carved; word++)
        bits[word] = 0;
    atomic_signal_fence(memory_order_release); /* `carved` is believed after a fork */
    slab->carved = carved;
    return wanted;
}

/* Takes up to `wanted` slots from one slab with a free one, given-back slots first; it stays in its
 * list while it has a free slot. Returns how many. */
static unsigned take_from(struct hak_heap *heap, struct hak_slab *slab, base_t *out,
                          unsigned wanted) {
    unsigned taken = take_free(slab, slab->carved - slab->used, out, wanted);
    taken += carve(slab, out + taken, wanted - taken);
    slab->used += taken;
    if (slab->used == slab->capacity)
        unlist_slab(heap, slab);
    struct hak_superslab *superslab = hak_superslab_of(slab);
    if (HAK_UNLIKELY(superslab->thin_slabs != 0))
        note_thick(heap, superslab, 1u << (slab - superslab->slabs));
    raise_used(heap, superslab, taken * slab->slot_bytes);
    return taken;
}

/* The one of the first few slabs in the list whose SuperSlab is the fullest: the others empty
 * sooner. */
static struct hak_slab *pick_cooled(struct hak_slab *slab) {
    struct hak_slab *picked = slab;
    for (unsigned looked_at = 0; slab && looked_at < COOLED_LOOKS; looked_at++) {
        if (hak_superslab_of(slab)->used_bytes > hak_superslab_of(picked)->used_bytes)
            picked = slab;
        slab = slab->next_in_list;
    }
    return picked;
}

/* The slab for the next slots of the class: of those that serve it the fullest first, so that
 * others empty; else one that is empty, one that drains, or a new one. NULL: no memory. */
static struct hak_slab *get_slab(struct hak_heap *heap, unsigned class_index) {
    const struct hak_class_slabs *slabs = &heap->classes[class_index];
    for (unsigned list = HAK_LISTED_READY; list <= HAK_LISTED_SCARCE; list++) {
        struct hak_slab *slab = slabs->lists[list - HAK_LISTED_READY];
        if (HAK_LIKELY(slab != NULL))
            return slab;
    }
    struct hak_slab *slab = hak_slab_reuse(heap, class_index);
    if (!slab)
        slab = pick_cooled(slabs->lists[HAK_LISTED_COOLED - HAK_LISTED_READY]);
    return slab ? slab : hak_slab_acquire(heap, class_index);
}

/* Takes up to `wanted` slots, from one slab after the other until there are `enough`. Returns how
 * many; fewer than `enough`: no memory. */
static unsigned take(struct hak_heap *heap, unsigned class_index, base_t *out, unsigned wanted,
                     unsigned enough) {
    unsigned taken = 0, looked_at = 0;
    while (taken < enough) {
        struct hak_slab *slab = get_slab(heap, class_index);
        if (!slab)
            break;
        looked_at++;
        taken += take_from(heap, slab, out + taken, wanted - taken);
    }
    hop_count(HAK_COUNTED_SLAB_LOOK, class_index, looked_at);
    return taken;
}

unsigned hak_slab_take(struct hak_heap *heap, unsigned class_index, base_t *out, unsigned wanted) {
    return take(heap, class_index, out, wanted, wanted);
}

unsigned hak_slab_take_some(struct hak_heap *heap, unsigned class_index, base_t *out,
                            unsigned wanted) {
    unsigned enough = (wanted + USEFUL_PART - 1) / USEFUL_PART;
    return take(heap, class_index, out, wanted, enough);
}

/* ---- slots back ------------------------------------------------------------------------------ */

static HAK_COLD void refuse(base_t block, const char *what, const char *why) {
    if (!hak_is_debug_build)
        hak_blame(what, block.p, why);
}

/* Sets the bit of a slot that is in use. False: it is none, and refuse() was called. One product
 * says both whether the block starts a slot and which; `magic` is 0 where the slab has no class. */
static inline bool set_free_bit(struct hak_slab *slab, uint32_t magic, base_t block) {
    uint64_t product = (uint64_t)(uint16_t)(uintptr_t)block.p * magic;
    if (HAK_UNLIKELY((uint32_t)product >= magic)) {
        refuse(block, "bad-free", "is inside a block or in no block; free what malloc returned");
        return false;
    }
    uint32_t slot = (uint32_t)(product >> 32) - slab->first_slot;
    if (HAK_UNLIKELY(slot >= slab->carved)) {
        refuse(block, "bad-free", "was never handed out; free what malloc returned");
        return false;
    }
    uint64_t *word = &slab->bits[slot / 64];
    uint64_t bit = 1ull << (slot & 63), before = *word;
    if (HAK_UNLIKELY((before & bit) != 0)) {
        refuse(block, "double-free", "is free already; some code freed it twice");
        return false;
    }
    *word = before | bit;
    if (slot / 64 < slab->first_free_word)
        slab->first_free_word = (uint16_t)(slot / 64);
    return true;
}

/* Whether the slab is away: then nothing is done with it but that its pages go with its last slot
 * in use. */
static HAK_COLD bool stays_away(struct hak_heap *heap, struct hak_superslab *superslab,
                                const struct hak_slab *slab) {
    unsigned index = (unsigned)(slab - superslab->slabs);
    if (!(superslab->away_slabs >> index & 1))
        return false;
    if (slab->used == 0)
        hak_away_send_rest(heap, superslab, index);
    return true;
}

/* Lowers the slab's count by `count` slots that have become free, and moves it to the list that
 * fits; an empty one may be released; one that is away waits for that. One that drains and has one
 * slot in use is what a burst leaves behind: a block in a cache, or one that stays, keeps 64 KiB.
 */
static void lower_slab(struct hak_heap *heap, struct hak_superslab *superslab,
                       struct hak_slab *slab, unsigned count) {
    slab->used -= count;
    lower_used(heap, superslab, count * slab->slot_bytes);
    if (HAK_UNLIKELY(slab->list != HAK_LISTED_READY)) {
        if (HAK_UNLIKELY(superslab->away_slabs != 0) && stays_away(heap, superslab, slab))
            return;
        unsigned list = wanted_list(slab);
        if (list != slab->list)
            relist_slab(heap, slab, list);
        if (list == HAK_LISTED_COOLED && slab->used == 1 && !hak_is_debug_build)
            hak_slab_note_few(heap, slab);
    }
    if (HAK_UNLIKELY(slab->used == 0))
        hak_slab_empty(heap, superslab, slab);
}

void hak_slab_give_all(struct hak_heap *heap, const base_t *blocks, unsigned count) {
    const base_t *next = blocks, *end = blocks + count;
    while (next < end) {
        char *slab_start = (char *)((uintptr_t)next->p & ~(uintptr_t)(HAK_SLAB_BYTES - 1));
        struct hak_superslab *superslab = hak_superslab_of(slab_start);
        unsigned index = hak_slab_index_of(slab_start);
        struct hak_slab *slab = &superslab->slabs[index];
        uint32_t magic = hak_class_magic[superslab->class_of_slab[index]];
        unsigned given = 0;
        do
            given += set_free_bit(slab, magic, *next++);
        while (next < end && (size_t)(next->p - slab_start) < HAK_SLAB_BYTES);
        if (HAK_UNLIKELY(given == 0))
            continue;
        lower_slab(heap, superslab, slab, given);
    }
}

void hak_slab_give(struct hak_heap *heap, base_t block) {
    hak_slab_give_all(heap, &block, 1);
}

/* Releases all empty slabs of the heap. */
static void release_empty(struct hak_heap *heap) {
    heap->has_empty = false;
    for (unsigned class_index = 0; class_index < HAK_CLASSES; class_index++) {
        for (unsigned i = 0; i < HAK_SLAB_LISTS; i++) {
            struct hak_slab *next;
            for (struct hak_slab *slab = heap->classes[class_index].lists[i]; slab; slab = next) {
                next = slab->next_in_list;
                if (slab->used == 0) {
                    unlist_slab(heap, slab);
                    hak_slab_release(heap, slab);
                }
            }
        }
    }
}

/* All slabs with room are looked at only where one may be empty: a heap without a thread is trimmed
 * with each chunk that is posted to it. */
void hak_slab_trim(struct hak_heap *heap) {
    hak_slab_collect_away(heap);
    if (heap->has_empty)
        release_empty(heap);
    (void)hak_slab_give_back_some(heap);
}
