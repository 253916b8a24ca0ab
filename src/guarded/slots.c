/* Cuts slots from pieces of closed addresses, and keeps those that were given back in the order in
 * which they were.
 *
 *   fresh --> | pages | closed |          until a quarter of HAKMEM_GUARD_MEMORY is kept of slots
 *   given     newest -> ... -> oldest     a stack, which gives need no lock for
 *   queues    oldest ... newest           one for each number of pages, filled from `given` */
#include "guarded/slots.h"

#include "guarded/closed.h"
#include "guarded/guarded.h"
#include "large_map/address_map.h"
#include "large_map/memory.h"
#include "options.h"
#include "platform/lock.h"
#include "platform/platform.h"
#include "platform/readable.h"

#define PIECE_BYTES ((size_t)256 << 20)
enum {
    PIECES = 256,
    KEPT_SHARE = 4,     /* of HAKMEM_GUARD_MEMORY */
    STRUCT_BYTES = 128, /* kept of a slot, */
    PAGE_COST_BYTES =
        16, /* and of each of its pages: a place in the address map, and a page table's
             */
    FRONT_BYTES = HAK_STACK_REACH_BYTES, /* of a piece have no slots: a stack may end there */
    LIMIT_SHARE = 32,                    /* of ulimit -v is a piece, where there is one, */
    LIMITED_PIECES = 4,                  /* and there are so many */
};

struct queue {
    struct hak_large *first, *last;
};

/* Under the lock, but for the stack and what a piece is once it is counted. */
static struct hak_lock lock;
static char *fresh, *fresh_end;
static size_t kept_bytes;
static struct queue queues[HAK_GUARDED_PAGES_MAX + 1];
static _Atomic(struct hak_large *) given;
static struct hak_closed pieces[PIECES];
static _Atomic uint32_t piece_count;

/* ---- addresses ------------------------------------------------------------------------------- */

static const struct hak_closed *piece_of(const void *p) {
    uint32_t count = atomic_load_explicit(&piece_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++)
        if ((uintptr_t)p - (uintptr_t)pieces[i].start <
            (uintptr_t)(pieces[i].end - pieces[i].start))
            return &pieces[i];
    return NULL;
}

bool hak_guarded_covers(const void *p) {
    return piece_of(p) != NULL;
}

bool hak_guarded_slot_open(const struct hak_large *large) {
    return hak_closed_open(large->base.p, large->mapped_bytes,
                           (enum hak_closed_by)large->closed_by);
}

bool hak_guarded_slot_close(struct hak_large *large, bool is_open) {
    const struct hak_closed *piece = piece_of(large->base.p);
    enum hak_closed_by by = (enum hak_closed_by)large->closed_by;
    bool is_closed =
        piece && hak_closed_again(piece, large->base.p, large->mapped_bytes, is_open, &by);
    large->closed_by = (uint8_t)by;
    return is_closed;
}

static bool hold_piece(void) {
    size_t limit = hak_address_space_limit(), bytes = PIECE_BYTES;
    uint32_t count = atomic_load_explicit(&piece_count, memory_order_relaxed);
    if (limit != SIZE_MAX && limit / LIMIT_SHARE < bytes)
        bytes = limit / LIMIT_SHARE & ~(HAK_PAGE_BYTES - 1);
    if (count == (limit == SIZE_MAX ? PIECES : LIMITED_PIECES) ||
        bytes < FRONT_BYTES + 2 * HAK_PAGE_BYTES)
        return false;
    char *start = hak_hold(bytes, HAK_PAGE_BYTES);
    if (!start)
        return false;
    pieces[count] = hak_closed_hold(start, bytes, HAK_GUARDED_PAGES_MAX * HAK_PAGE_BYTES);
    atomic_store_explicit(&piece_count, count + 1, memory_order_release);
    size_t front_bytes = pieces[count].pattern_bytes + HAK_PAGE_BYTES;
    fresh = start + (front_bytes < FRONT_BYTES ? FRONT_BYTES : front_bytes);
    fresh_end = start + bytes;
    return true;
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* The bytes that are kept for a slot that was ever used. */
static size_t cost_of(size_t bytes) {
    return STRUCT_BYTES + (bytes / HAK_PAGE_BYTES + 1) * PAGE_COST_BYTES;
}

static struct hak_large *take_fresh(size_t bytes) {
    size_t all_bytes = bytes + HAK_PAGE_BYTES;
    if (kept_bytes + cost_of(bytes) > hak_options.guard_memory_bytes / KEPT_SHARE ||
        ((size_t)(fresh_end - fresh) < all_bytes &&
         (!hold_piece() || (size_t)(fresh_end - fresh) < all_bytes)) ||
        !hak_address_map_prepare(fresh, bytes))
        return NULL;
    char *start = fresh;
    struct hak_closed *piece =
        &pieces[atomic_load_explicit(&piece_count, memory_order_relaxed) - 1];
    enum hak_closed_by by;
    struct hak_large *large =
        hak_closed_prepare(piece, start, start + all_bytes, &by) ? hak_large_struct_take() : NULL;
    if (!large)
        return NULL;
    fresh += all_bytes;
    kept_bytes += cost_of(bytes);
    *large = (struct hak_large){.base = base_from(start),
                                .mapped_bytes = bytes,
                                .state = HAK_LARGE_KEPT,
                                .is_fresh = true,
                                .slot = {.place = HAK_PLACE_GUARDED}};
    large->guarded_side = HAK_GUARDED_AFTER;
    large->closed_by = (uint8_t)by;
    hak_address_map_set(large);
    return large;
}

static struct queue *queue_of(const struct hak_large *large) {
    return &queues[large->mapped_bytes / HAK_PAGE_BYTES];
}

/* Empties the stack into the queues. */
static void sort_given(void) {
    struct hak_large *newest = atomic_exchange(&given, NULL), *oldest = NULL;
    while (newest) {
        struct hak_large *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    while (oldest) {
        struct hak_large *large = oldest;
        struct queue *queue = queue_of(large);
        oldest = oldest->next;
        large->next = NULL;
        if (queue->first)
            queue->last->next = large;
        else
            queue->first = large;
        queue->last = large;
    }
}

static struct hak_large *take_oldest(size_t bytes) {
    struct queue *queue = &queues[bytes / HAK_PAGE_BYTES];
    if (!queue->first)
        sort_given();
    struct hak_large *large = queue->first;
    if (large)
        queue->first = large->next;
    return large;
}

/* A signal handler may have interrupted whoever holds one of these locks. */
static bool lock_slots(void) {
    if (hak_lock_is_mine(&lock) || hak_lock_is_mine(&hak_large_memory_lock))
        return false;
    hak_lock(&lock);
    return true;
}

struct hak_large *hak_guarded_slot_take(size_t bytes) {
    if (!lock_slots())
        return NULL;
    struct hak_large *large = take_fresh(bytes);
    if (!large)
        large = take_oldest(bytes);
    hak_unlock(&lock);
    return large;
}

void hak_guarded_slot_give(struct hak_large *large) {
    struct hak_large *newest = atomic_load_explicit(&given, memory_order_relaxed);
    do
        large->next = newest;
    while (!atomic_compare_exchange_weak_explicit(&given, &newest, large, memory_order_release,
                                                  memory_order_relaxed));
}

/* A thread that is not there may have been changing a queue, or cutting a slot. */
void hak_guarded_slots_after_fork(void) {
    if (!hak_lock_was_left(&lock))
        return;
    __builtin_memset(queues, 0, sizeof queues);
    fresh = fresh_end = NULL;
}
