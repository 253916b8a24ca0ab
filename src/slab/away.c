/* Sends pages of slabs to the background thread, which gives them back. */
#include "slab/away.h"

#include "platform/discard.h"
#include "pool/background.h"

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

unsigned hak_away_count(const struct hak_heap *heap) {
    const struct hak_away *away = atomic_load_explicit(&heap->away, memory_order_relaxed);
    return away ? (unsigned)(atomic_load_explicit(&away->head, memory_order_relaxed) - away->seen)
                : 0;
}

void hak_away_send_rest(struct hak_heap *heap, struct hak_superslab *superslab, unsigned index) {
    uint32_t bit = 1u << index;
    if (superslab->away_twice_slabs & bit || hak_away_count(heap) == HAK_AWAY_PLACES)
        return;
    superslab->away_twice_slabs |= bit;
    /* The bitmap may go with the pages. */
    superslab->slabs[index].carved = superslab->slabs[index].first_free_word = 0;
    hak_away_send(heap, superslab, index, HAK_ALL_PAGES);
    hak_background_call();
}

/* Nobody is at work with what was sent: all of it comes back. */
static void take_all(struct hak_away *away, uint64_t head) {
    atomic_store_explicit(&away->taken, head, memory_order_relaxed);
    atomic_store_explicit(&away->done, head, memory_order_relaxed);
}

/* Takes what the thread has not begun with, as it is not there. Returns from which entry on. One
 * that has just begun is at work where it has taken more than is done; one of a parent is not. */
static uint64_t take_from_thread(struct hak_away *away, uint64_t head) {
    uint64_t taken = atomic_load_explicit(&away->taken, memory_order_acquire);
    if (hak_background_is_parents()) {
        take_all(away, head);
        return taken;
    }
    if (taken == head || atomic_load_explicit(&away->done, memory_order_acquire) != taken ||
        !atomic_compare_exchange_strong_explicit(&away->taken, &taken, head, memory_order_acquire,
                                                 memory_order_relaxed))
        return head;
    atomic_store_explicit(&away->done, head, memory_order_relaxed);
    return taken;
}

bool hak_away_next(struct hak_heap *heap, struct hak_returned *next) {
    struct hak_away *away = atomic_load_explicit(&heap->away, memory_order_relaxed);
    if (away->seen == atomic_load_explicit(&away->done, memory_order_acquire))
        return false;
    uintptr_t entry = away->entries[away->seen % HAK_AWAY_PLACES];
    next->superslab = superslab_of(entry);
    next->index = index_of(entry);
    next->has_pages = away->seen >= away->with_pages;
    away->seen++;
    return true;
}

void hak_away_look(struct hak_heap *heap) {
    struct hak_away *away = atomic_load_explicit(&heap->away, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&away->head, memory_order_relaxed);
    if (away->seen == head)
        return;
    away->with_pages = hak_background_is_there() ? head : take_from_thread(away, head);
}

void hak_away_forget(struct hak_heap *heap) {
    struct hak_away *away = atomic_load_explicit(&heap->away, memory_order_relaxed);
    if (away)
        away->seen = atomic_load_explicit(&away->head, memory_order_relaxed);
}

/* ---- the thread's side ----------------------------------------------------------------------- */

/* The next ring of a heap whose id is *id or greater, and *id is behind that; NULL: there is none.
 * The heaps but the shared one have their ids without a gap. */
static struct hak_away *next_ring(unsigned *id) {
    while (*id <= HAK_HEAP_ID_MAX) {
        struct hak_heap *heap = hak_heap_of((hak_owner_t)*id);
        if (!heap && *id > HAK_SHARED_HEAP_ID)
            return NULL;
        struct hak_away *away =
            heap ? atomic_load_explicit(&heap->away, memory_order_acquire) : NULL;
        (*id)++;
        if (away)
            return away;
    }
    return NULL;
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
    if (taken == head || !atomic_compare_exchange_strong_explicit(
                             &away->taken, &taken, end, memory_order_acquire, memory_order_relaxed))
        return false;
    struct hak_ranges ranges;
    hak_ranges_begin(&ranges);
    for (; taken != end; taken++)
        add_pages(away->entries[taken % HAK_AWAY_PLACES], &ranges);
    atomic_fetch_add_explicit(&hak_background_bytes, hak_ranges_discard(&ranges),
                              memory_order_relaxed);
    atomic_store_explicit(&away->done, end, memory_order_release);
    return true;
}

bool hak_away_work(void) {
    bool is_some = false;
    unsigned id = HAK_SHARED_HEAP_ID;
    for (struct hak_away *away; (away = next_ring(&id)) != NULL;)
        while (is_waiting(away) && give_back_batch(away))
            is_some = true;
    return is_some;
}

bool hak_away_waits(void) {
    unsigned id = HAK_SHARED_HEAP_ID;
    for (struct hak_away *away; (away = next_ring(&id)) != NULL;)
        if (is_waiting(away))
            return true;
    return false;
}

void hak_away_after_fork(void) {
    unsigned id = HAK_SHARED_HEAP_ID;
    for (struct hak_away *away; (away = next_ring(&id)) != NULL;)
        take_all(away, atomic_load_explicit(&away->head, memory_order_relaxed));
}
