/* Thins slabs: gives back those pages of a slab that hold no slot in use, where a burst has left
 * one block, live or in a cache: the other slots will hardly serve soon.
 *
 *   | used | .... | .... | .... | .... | used | .... |   pages of a slab of 64 KiB
 *            ^------- goes back -------^
 *
 * A slab that was just given its last slot but one back will often be empty a moment later: it
 * waits until HAK_FEW_STAY others have come so far (slab/give_back.c). Nothing is written into free
 * slots, so that their content may go. The first page of a slab of small slots has its bitmap and
 * stays. A thin slab serves like any other. */
#include "platform/discard.h"
#include "slab/lists.h"

enum {
    THINNED_BEFORE_A_LOOK = 64, /* slabs */
    SWINGS_PERIODS = 16,        /* purge delays */
    STAYS_PAGES = 4,            /* fewer pages side by side are not worth a call of the kernel */
};

/* Bits of the pages between two offsets in a slab. */
static uint32_t pages_between(size_t from, size_t to) {
    unsigned first = (unsigned)(from / HAK_PAGE_BYTES),
             last = (unsigned)((to - 1) / HAK_PAGE_BYTES);
    return ((2u << last) - 1) & ~((1u << first) - 1);
}

/* Bits of the pages that hold the bitmap or a slot in use. */
static uint32_t used_pages(const struct hak_slab *slab) {
    size_t start = slab->first_slot * (size_t)slab->slot_bytes;
    uint32_t pages = start ? pages_between(0, start) : 0;
    for (unsigned slot = 0; slot < slab->carved; slot++) {
        if (slot % 64 == 0 && slot + 64 <= slab->carved && slab->bits[slot / 64] == UINT64_MAX) {
            slot += 63;
            continue;
        }
        size_t offset = start + slot * (size_t)slab->slot_bytes;
        if (!(slab->bits[slot / 64] >> slot % 64 & 1))
            pages |= pages_between(offset, offset + slab->slot_bytes);
    }
    return pages;
}

/* Collects the pages without a bit, runs of them together. Returns how many, and in *added_pages
 * their bits. */
static unsigned add_others(struct hak_slab *slab, uint32_t pages, struct hak_ranges *ranges,
                           uint32_t *added_pages) {
    const unsigned all = (unsigned)(HAK_SLAB_BYTES / HAK_PAGE_BYTES);
    char *start = hak_slab_start(slab);
    unsigned added = 0;
    *added_pages = 0;
    for (unsigned page = 0; page < all;) {
        unsigned end = page;
        while (end < all && !(pages >> end & 1))
            end++;
        if (end - page >= STAYS_PAGES) {
            if (ranges)
                hak_ranges_add(ranges, start + page * HAK_PAGE_BYTES,
                               (end - page) * HAK_PAGE_BYTES);
            *added_pages |= ((1u << (end - page)) - 1) << page;
            added += end - page;
        }
        page = end + 1;
    }
    return added;
}

/* Where half of the slabs thinned serve again, use swings: nothing is thinned for a while. */
static void look_back(struct hak_heap *heap) {
    if (heap->slabs_thick_again * 2 > heap->slabs_thinned)
        heap->swings = SWINGS_PERIODS;
    heap->slabs_thinned = heap->slabs_thick_again = 0;
}

/* Whether the slab may be thinned: it has one slot in use, and the SuperSlab drains. */
static bool is_few(const struct hak_slab *slab) {
    const struct hak_superslab *superslab = hak_superslab_of(slab);
    unsigned index = (unsigned)(slab - superslab->slabs);
    return slab->used == 1 && superslab->class_of_slab[index] != HAK_CLASS_NONE &&
           superslab->tier == HAK_TIER_DRAINING && !(superslab->thin_slabs >> index & 1);
}

static unsigned thin(struct hak_heap *heap, struct hak_slab *slab, struct hak_ranges *ranges) {
    if (heap->slabs_thinned >= THINNED_BEFORE_A_LOOK)
        look_back(heap);
    heap->slabs_thinned++;
    uint32_t going;
    unsigned pages = add_others(slab, used_pages(slab), ranges, &going);
    struct hak_superslab *superslab = hak_superslab_of(slab);
    unsigned index = (unsigned)(slab - superslab->slabs);
    superslab->thin_slabs |= 1u << index;
    if (!ranges && going) {
        if (slab->list != HAK_UNLISTED)
            unlist_slab(heap, slab);
        hak_away_send(heap, superslab, index, going);
    }
    return pages;
}

void hak_slab_collect_thin(struct hak_heap *heap, struct hak_give_back *limit,
                           struct hak_ranges *ranges) {
    while (limit->slabs > 0 && limit->pages > 0 && hak_slab_has_waiting(heap)) {
        struct hak_slab **place = &heap->few[heap->next_thinned++ % HAK_FEW_SLABS];
        if (*place && is_few(*place)) {
            unsigned pages = thin(heap, *place, ranges);
            limit->pages -= pages < limit->pages ? pages : limit->pages;
            limit->slabs--;
        }
        *place = NULL;
    }
}

/* Where all places are taken, the one that waits longest is not thinned. */
void hak_slab_note_few(struct hak_heap *heap, struct hak_slab *slab) {
    if (heap->is_closing || !hak_slab_is_after_burst(heap))
        return;
    if (heap->next_few - heap->next_thinned == HAK_FEW_SLABS)
        heap->next_thinned++;
    heap->few[heap->next_few++ % HAK_FEW_SLABS] = slab;
}

void hak_slab_forget_few(struct hak_heap *heap, const struct hak_superslab *superslab) {
    for (unsigned i = 0; i < HAK_FEW_SLABS; i++)
        if (heap->few[i] && hak_superslab_of(heap->few[i]) == superslab)
            heap->few[i] = NULL;
}
