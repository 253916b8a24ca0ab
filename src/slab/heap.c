/* Heaps by id: made when a thread has none to adopt, idle between two threads, never unmapped. */
#include "slab/heap.h"

#include "hop.h"

#define HEAPS_MAP_BYTES ((size_t)64 << 10)

struct hak_lock hak_heaps_lock;
struct hak_lock hak_shared_heap_lock;

/* 512 KiB of address space; a page is touched for each 512 heaps. Aligned to a page, as are all
 * long tables of which a start touches little: the variables that it does touch lie side by side
 * then (PACKED in the Makefile). */
_Alignas(HAK_PAGE_BYTES_MOST) _Atomic(struct hak_heap *) hak_heaps[HAK_HEAP_ID_MAX + 1];

static unsigned ids_used = HAK_SHARED_HEAP_ID;
static unsigned ids_limit = HAK_HEAP_ID_MAX;
static struct hak_heap *idle;
static char *fresh, *fresh_end; /* memory for new heaps */

struct hak_heap *hak_heap_of(hak_owner_t id) {
    return id <= HAK_HEAP_ID_MAX ? atomic_load_explicit(&hak_heaps[id], memory_order_acquire)
                                 : NULL;
}

/* Makes a heap; NULL without memory. Hold hak_heaps_lock. */
static struct hak_heap *make_heap(hak_owner_t id) {
    if ((size_t)(fresh_end - fresh) < sizeof(struct hak_heap)) {
        char *start = hak_map(HEAPS_MAP_BYTES);
        if (!start)
            return NULL;
        fresh = start;
        fresh_end = start + HEAPS_MAP_BYTES;
    }
    struct hak_heap *heap = (struct hak_heap *)(void *)fresh;
    fresh += sizeof *heap;
    heap->id = id;
    atomic_store_explicit(&heap->state, HAK_HEAP_OWNED, memory_order_relaxed);
    atomic_store_explicit(&hak_heaps[id], heap, memory_order_release);
    return heap;
}

static void set_state(struct hak_heap *heap, enum hak_heap_state state) {
    /* In one order with the posts of others (front/mailbox.h). */
    atomic_store_explicit(&heap->state, (uint8_t)state, memory_order_seq_cst);
}

/* Takes the heap off the list of idle heaps; it is owned from now on. */
static void take_off_idle(struct hak_heap *heap) {
    if (heap->prev_idle)
        heap->prev_idle->next_idle = heap->next_idle;
    else
        idle = heap->next_idle;
    if (heap->next_idle)
        heap->next_idle->prev_idle = heap->prev_idle;
    set_state(heap, HAK_HEAP_OWNED);
}

static void note_adoption(const struct hak_superslab *first, hak_owner_t id) {
    for (const struct hak_superslab *superslab = first; superslab; superslab = superslab->next)
        hop_note(HAK_SUPERSLAB_ADOPT, HAK_CLASS_NONE, superslab, id);
}

void hak_heap_note_adoption(const struct hak_heap *heap) {
    note_adoption(heap->room, heap->id);
    note_adoption(heap->full, heap->id);
    note_adoption(heap->cooled, heap->id);
}

struct hak_heap *hak_heap_acquire(void) {
    hak_lock(&hak_heaps_lock);
    struct hak_heap *heap = idle;
    bool is_adopted = heap != NULL;
    if (is_adopted) {
        take_off_idle(heap);
        heap->is_closing = false;
    } else if (ids_used < ids_limit) {
        heap = make_heap((hak_owner_t)(ids_used + 1));
        if (heap)
            ids_used++;
    }
    hak_unlock(&hak_heaps_lock);
    if (hak_is_debug_build && is_adopted && !heap->is_left)
        hak_heap_note_adoption(heap);
    return heap;
}

void hak_heap_release(struct hak_heap *heap) {
    hak_lock(&hak_heaps_lock);
    heap->prev_idle = NULL;
    heap->next_idle = idle;
    if (idle)
        idle->prev_idle = heap;
    idle = heap;
    set_state(heap, HAK_HEAP_IDLE);
    hak_unlock(&hak_heaps_lock);
}

struct hak_heap *hak_heap_help(hak_owner_t id) {
    hak_lock(&hak_heaps_lock);
    struct hak_heap *heap = hak_heap_of(id);
    if (heap && atomic_load_explicit(&heap->state, memory_order_relaxed) == HAK_HEAP_IDLE)
        take_off_idle(heap);
    else
        heap = NULL;
    if (heap)
        heap->is_closing = true;
    hak_unlock(&hak_heaps_lock);
    return heap;
}

struct hak_heap *hak_shared_heap(void) {
    struct hak_heap *heap = hak_heap_of(HAK_SHARED_HEAP_ID);
    if (!heap) {
        hak_lock(&hak_heaps_lock);
        heap = make_heap(HAK_SHARED_HEAP_ID);
        hak_unlock(&hak_heaps_lock);
    }
    return heap;
}

/* ---- fork ------------------------------------------------------------------------------------ */

/* The last heap on the list of idle ones, or NULL. */
static struct hak_heap *last_idle(void) {
    struct hak_heap *last = idle;
    while (last && last->next_idle)
        last = last->next_idle;
    return last;
}

/* Links a heap behind `last`, the last of the idle ones, and makes it idle. */
static void make_idle_behind(struct hak_heap *last, struct hak_heap *heap) {
    heap->prev_idle = last;
    heap->next_idle = NULL;
    if (last)
        last->next_idle = heap;
    else
        idle = heap;
    set_state(heap, HAK_HEAP_IDLE);
}

/* Links the list of idle heaps anew, by each heap's state: in the child of a fork where another
 * thread was changing it. The state changes by one store, last when a heap comes and last when it
 * goes. */
static void relink_idle(void) {
    struct hak_heap *last = NULL;
    idle = NULL;
    for (unsigned id = HAK_SHARED_HEAP_ID + 1; id <= ids_used; id++) {
        struct hak_heap *heap = hak_heap_of((hak_owner_t)id);
        if (!heap || atomic_load_explicit(&heap->state, memory_order_relaxed) != HAK_HEAP_IDLE)
            continue;
        make_idle_behind(last, heap);
        last = heap;
    }
    hop_count(HAK_COUNTED_FORK_LEFT, HAK_CLASS_NONE, HEAPS_MAP_BYTES);
    fresh = fresh_end = NULL; /* the two may not belong together */
}

/* In a fork's child: marks the shared heap as half-changed if another thread held its lock. */
static void leave_shared_heap(void) {
    struct hak_heap *heap = hak_heap_of(HAK_SHARED_HEAP_ID);
    if (hak_lock_was_left(&hak_shared_heap_lock) && heap)
        heap->is_left = heap->was_left = true;
}

void hak_heaps_after_fork(struct hak_heap *own, void (*before_idle)(struct hak_heap *)) {
    leave_shared_heap();
    if (hak_lock_was_left(&hak_heaps_lock))
        relink_idle();
    struct hak_heap *last = last_idle();
    for (unsigned id = HAK_SHARED_HEAP_ID + 1; id <= ids_used; id++) {
        struct hak_heap *heap = hak_heap_of((hak_owner_t)id);
        if (!heap || heap == own ||
            atomic_load_explicit(&heap->state, memory_order_relaxed) != HAK_HEAP_OWNED)
            continue;
        before_idle(heap);
        heap->is_left = heap->was_left = true;
        make_idle_behind(last, heap);
        last = heap;
    }
}

void hak_heap_limit_ids(unsigned ids) {
    ids_limit = ids;
}
