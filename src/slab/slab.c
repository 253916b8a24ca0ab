/* The owner's work on slabs: acquire one for a class, take slots by bitmap and by carving, give
 * back. */
#include "slab/lists.h"

#include <string.h>
#include "hop.h"
#include "pool/pool.h"

/* ---- a slab begins and ends to serve a class ------------------------------------------------- */

static struct hak_slab *acquire_slab(struct hak_heap *heap, unsigned class_index) {
    struct hak_superslab *superslab = heap->room;
    if (!superslab) {
        superslab = hak_pool_acquire(heap->id);
        if (!superslab)
            return NULL;
        link_superslab(&heap->room, superslab);
        heap->dirty_slabs += (unsigned)__builtin_popcount(superslab->dirty_slabs);
    }
    /* One whose pages are there, if there is one. */
    uint32_t choice = superslab->dirty_slabs ? superslab->dirty_slabs : superslab->free_slabs;
    unsigned index = (unsigned)__builtin_ctz(choice);
    if (superslab->dirty_slabs)
        set_dirty(heap, superslab, superslab->dirty_slabs & (superslab->dirty_slabs - 1));
    superslab->free_slabs &= ~(1u << index);
    if (superslab->free_slabs == 0) {
        unlink_superslab(&heap->room, superslab);
        link_superslab(&heap->full, superslab);
    }
    struct hak_slab *slab = &superslab->slabs[index];
    slab->used = 0;
    slab->carved = 0;
    slab->capacity = hak_class_slots(class_index);
    slab->class_index = (uint8_t)class_index;
    slab->first_free_word = 0;
    memset(bitmap_of(slab), 0, (slab->capacity + 63) / 64 * sizeof(uint64_t));
    hop_note(HAK_SLAB_ACQUIRE, class_index, hak_slab_start(slab), hak_class_bytes(class_index));
    /* Last: a fork may come at any moment, and then it serves the class with all that belongs to
     * it, or does not serve it. */
    atomic_signal_fence(memory_order_release);
    superslab->class_of_slab[index] = (uint8_t)class_index;
    list_slab(heap, slab);
    return slab;
}

static void release_slab(struct hak_heap *heap, struct hak_slab *slab) {
    struct hak_superslab *superslab = hak_superslab_of(slab);
    unsigned index = (unsigned)(slab - superslab->slabs);
    hop_note(HAK_SLAB_RELEASE, slab->class_index, hak_slab_start(slab), 0);
    superslab->class_of_slab[index] = HAK_CLASS_NONE;
    bool was_full = superslab->free_slabs == 0;
    superslab->free_slabs |= 1u << index;
    set_dirty(heap, superslab, superslab->dirty_slabs | 1u << index);
    if (superslab->free_slabs == ~1u) {
        unlink_superslab(was_full ? &heap->full : &heap->room, superslab);
        heap->dirty_slabs -= (unsigned)__builtin_popcount(superslab->dirty_slabs);
        note_low(heap);
        hak_pool_release(superslab);
    } else if (was_full) {
        unlink_superslab(&heap->full, superslab);
        link_superslab(&heap->room, superslab);
    }
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* Takes slots that were given back, by their bits. `free_slots` is how many there are. */
static unsigned take_free(struct hak_slab *slab, unsigned free_slots, base_t *out,
                          unsigned wanted) {
    if (wanted > free_slots)
        wanted = free_slots;
    uint64_t *bits = bitmap_of(slab);
    size_t slot_bytes = hak_class_bytes(slab->class_index);
    char *first = hak_slab_start(slab) + hak_first_slot_offset(slab->class_index);
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

static unsigned carve(struct hak_slab *slab, base_t *out, unsigned wanted) {
    unsigned left = slab->capacity - slab->carved;
    if (wanted > left)
        wanted = left;
    size_t slot_bytes = hak_class_bytes(slab->class_index);
    char *next =
        hak_slab_start(slab) + hak_first_slot_offset(slab->class_index) + slab->carved * slot_bytes;
    for (unsigned i = 0; i < wanted; i++, next += slot_bytes)
        out[i] = base_from(next);
    slab->carved += wanted;
    return wanted;
}

unsigned hak_slab_take(struct hak_heap *heap, unsigned class_index, base_t *out, unsigned wanted) {
    unsigned taken = 0, looked_at = 0;
    while (taken < wanted) {
        struct hak_slab *slab = heap->classes[class_index];
        if (!slab) {
            slab = acquire_slab(heap, class_index);
            if (!slab)
                break;
        }
        looked_at++;
        unsigned before = taken;
        taken += take_free(slab, slab->carved - slab->used, out + taken, wanted - taken);
        taken += carve(slab, out + taken, wanted - taken);
        slab->used += taken - before;
        if (slab->used == slab->capacity)
            unlist_slab(heap, slab);
    }
    hop_count(HAK_COUNTED_SLAB_LOOK, class_index, looked_at);
    return taken;
}

static HAK_COLD void refuse(base_t block, const char *what, const char *why) {
    if (!hak_is_debug_build)
        hak_die(what, block.p, why);
}

void hak_slab_give(struct hak_heap *heap, base_t block) {
    struct hak_superslab *superslab = hak_superslab_of(block.p);
    unsigned index = hak_slab_index_of(block.p);
    unsigned class_index = superslab->class_of_slab[index];
    if (HAK_UNLIKELY(!hak_is_slot_start(block.p, class_index))) {
        refuse(block, "bad-free", "is inside a block or in no block; free what malloc returned");
        return;
    }
    struct hak_slab *slab = &superslab->slabs[index];
    size_t offset = (size_t)(block.p - hak_slab_start(slab));
    size_t first_offset = hak_first_slot_offset(class_index);
    unsigned slot = hak_slot_index(class_index, offset - first_offset);
    if (HAK_UNLIKELY(offset < first_offset || slot >= slab->carved)) {
        refuse(block, "bad-free", "was never handed out; free what malloc returned");
        return;
    }
    uint64_t *bits = bitmap_of(slab);
    uint64_t bit = 1ull << (slot & 63);
    if (HAK_UNLIKELY((bits[slot / 64] & bit) != 0)) {
        refuse(block, "double-free", "is free already; some code freed it twice");
        return;
    }
    bits[slot / 64] |= bit;
    if (slot / 64 < slab->first_free_word)
        slab->first_free_word = (uint16_t)(slot / 64);
    slab->used--;
    if (!slab->listed)
        list_slab(heap, slab);
    /* The last slab of a class stays, or a thread that takes and gives one block would acquire and
     * release a slab each time its cache runs over. */
    if (slab->used == 0 && (slab->prev_in_class || slab->next_in_class)) {
        unlist_slab(heap, slab);
        release_slab(heap, slab);
    }
}

void hak_slab_trim(struct hak_heap *heap) {
    for (unsigned class_index = 0; class_index < HAK_CLASSES; class_index++) {
        struct hak_slab *next;
        for (struct hak_slab *slab = heap->classes[class_index]; slab; slab = next) {
            next = slab->next_in_class;
            if (slab->used == 0) {
                unlist_slab(heap, slab);
                release_slab(heap, slab);
            }
        }
    }
}
