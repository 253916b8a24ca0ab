/* Sends pages of slabs to the background thread, and takes the slabs back. */
#include "slab/away.h"

#include "platform/discard.h"
#include "pool/background.h"
#include "slab/lists.h"

enum { PAGE_BITS = 16, INDEX_BITS = 5 };
_Static_assert((size_t)1 << (PAGE_BITS + INDEX_BITS) == HAK_SUPERSLAB_BYTES &&
                   HAK_PAGES_OF_SLAB <= PAGE_BITS && HAK_SLABS <= 1 << INDEX_BITS,
               "an entry is the SuperSlab's address and its lower bits");

static struct hak_superslab *superslab_of(uintptr_t entry) {
    return hak_superslab_of((void *)entry);
}

static unsigned index_of(uintptr_t entry) {
    return (unsigned)(entry >> PAGE_BITS) % HAK_SLABS;
}

/* ---- the owner's side ------------------------------------------------------------------------ */

unsigned hak_away_places(struct hak_heap *heap) {
    struct hak_away *away = atomic_load_explicit(&heap->away, memory_order_relaxed);
    if (!away) {
        away = hak_map(HAK_PAGES_OF(sizeof *away));
        if (!away)
            return 0;
        atomic_store_explicit(&heap->away, away, memory_order_release);
    }
    uint64_t sent = atomic_load_explicit(&away->head, memory_order_relaxed) - away->seen;
    return HAK_AWAY_PLACES - (unsigned)sent;
}

void hak_away_send(struct hak_heap *heap, struct hak_superslab *superslab, unsigned index,
                   uint32_t pages) {
    struct hak_away *away = atomic_load_explicit(&heap->away, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&away->head, memory_order_relaxed);
    superslab->away_slabs |= 1u << index;
    away->entries[head % HAK_AWAY_PLACES] = (uintptr_t)superslab | index << PAGE_BITS | pages;
    atomic_store_explicit(&away->head, head + 1, memory_order_release);
}

/* A slab is the heap's again; `has_pages`: nothing of it went back. The SuperSlab may be gone after
 * that. */
static void take_back(struct hak_heap *heap, uintptr_t entry, bool has_pages) {
    struct hak_superslab *superslab = superslab_of(entry);
    unsigned index = index_of(entry);
    struct hak_slab *slab = &superslab->slabs[index];
    superslab->away_slabs &= ~(1u << index);
    if (superslab->class_of_slab[index] == HAK_CLASS_NONE) {
        if (has_pages) {
            superslab->purged_slabs &= ~(1u << index);
            set_dirty(heap, superslab, superslab->dirty_slabs | 1u << index);
        }
        if (superslab->free_slabs == HAK_ALL_SLABS_FREE && !superslab->away_slabs)
            hak_superslab_release(heap, superslab);
        return;
    }
    if (slab->used < slab->capacity)
        list_slab(heap, slab, wanted_list(slab));
    if (slab->used == 0)
        hak_slab_empty(heap, superslab, slab);
}

/* Takes what the thread has not begun with, as it is not there. Returns from which entry on. One
 * that has just begun is at work where it has taken more than is done. */
static uint64_t take_from_thread(struct hak_away *away, uint64_t head) {
    uint64_t taken = atomic_load_explicit(&away->taken, memory_order_acquire);
    if (taken == head || atomic_load_explicit(&away->done, memory_order_acquire) != taken ||
        !atomic_compare_exchange_strong_explicit(&away->taken, &taken, head, memory_order_acquire,
                                                 memory_order_relaxed))
        return head;
    atomic_store_explicit(&away->done, head, memory_order_relaxed);
    return taken;
}

void hak_away_collect(struct hak_heap *heap) {
    struct hak_away *away = atomic_load_explicit(&heap->away, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&away->head, memory_order_relaxed);
    if (away->seen == head)
        return;
    uint64_t with_pages = hak_background_is_there() ? head : take_from_thread(away, head);
    uint64_t done = atomic_load_explicit(&away->done, memory_order_acquire);
    while (away->seen != done) {
        uint64_t next = away->seen++;
        take_back(heap, away->entries[next % HAK_AWAY_PLACES], next >= with_pages);
    }
}

void hak_away_forget(struct hak_heap *heap) {
    struct hak_away *away = atomic_load_explicit(&heap->away, memory_order_relaxed);
    if (away)
        away->seen = atomic_load_explicit(&away->head, memory_order_relaxed);
}

/* ---- the thread's side ----------------------------------------------------------------------- */

/* The ring of the heap with this id if it has one; *is_last: no heap has a greater id. */
static struct hak_away *away_of(unsigned id, bool *is_last) {
    struct hak_heap *heap = hak_heap_of((hak_owner_t)id);
    *is_last = !heap && id > HAK_SHARED_HEAP_ID;
    return heap ? atomic_load_explicit(&heap->away, memory_order_acquire) : NULL;
}

static bool is_waiting(struct hak_away *away) {
    return atomic_load_explicit(&away->head, memory_order_acquire) !=
           atomic_load_explicit(&away->taken, memory_order_relaxed);
}

/* Collects the runs of pages of an entry. */
static void add_pages(uintptr_t entry, struct hak_ranges *ranges) {
    char *start = (char *)superslab_of(entry) + index_of(entry) * HAK_SLAB_BYTES;
    for (uint32_t pages = (uint32_t)entry & ((1u << PAGE_BITS) - 1); pages;) {
        unsigned first = (unsigned)__builtin_ctz(pages);
        unsigned count = (unsigned)__builtin_ctz(~(pages >> first));
        hak_ranges_add(ranges, start + first * HAK_PAGE_BYTES, count * HAK_PAGE_BYTES);
        pages &= ~(((1u << count) - 1) << first);
    }
}

/* Gives back a batch: as many slabs as go in one call of the kernel, about. */
static bool give_back_batch(struct hak_away *away) {
    uint64_t taken = atomic_load_explicit(&away->taken, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&away->head, memory_order_acquire);
    uint64_t end = head - taken > HAK_RANGES_MOST ? taken + HAK_RANGES_MOST : head;
    if (taken == head ||
        !atomic_compare_exchange_strong_explicit(&away->taken, &taken, end, memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    struct hak_ranges ranges;
    ranges.count = 0;
    ranges.given_back_bytes = 0;
    for (; taken != end; taken++)
        add_pages(away->entries[taken % HAK_AWAY_PLACES], &ranges);
    atomic_fetch_add_explicit(&hak_background_bytes, hak_ranges_discard(&ranges),
                              memory_order_relaxed);
    atomic_store_explicit(&away->done, end, memory_order_release);
    return true;
}

bool hak_away_work(void) {
    bool is_some = false, is_last = false;
    for (unsigned id = HAK_SHARED_HEAP_ID; id <= HAK_HEAP_ID_MAX && !is_last; id++) {
        struct hak_away *away = away_of(id, &is_last);
        while (away && is_waiting(away) && give_back_batch(away))
            is_some = true;
    }
    return is_some;
}

bool hak_away_waits(void) {
    bool is_last = false;
    for (unsigned id = HAK_SHARED_HEAP_ID; id <= HAK_HEAP_ID_MAX && !is_last; id++) {
        struct hak_away *away = away_of(id, &is_last);
        if (away && is_waiting(away))
            return true;
    }
    return false;
}

void hak_away_after_fork(void) {
    bool is_last = false;
    for (unsigned id = HAK_SHARED_HEAP_ID; id <= HAK_HEAP_ID_MAX && !is_last; id++) {
        struct hak_away *away = away_of(id, &is_last);
        if (!away)
            continue;
        uint64_t head = atomic_load_explicit(&away->head, memory_order_relaxed);
        atomic_store_explicit(&away->taken, head, memory_order_relaxed);
        atomic_store_explicit(&away->done, head, memory_order_relaxed);
    }
}
