/* Opens and closes guarded blocks, as far as memory and mappings go. */
#include "guarded/guarded.h"

#include "guarded/closed.h"
#include "guarded/mappings.h"
#include "guarded/slots.h"
#include "large_map/address_map.h"
#include "options.h"
#include "platform/platform.h"

enum {
    MAPS_SHARE = 2,    /* of vm.max_map_count */
    MAPS_OF_BLOCK = 2, /* its pages, and the closed ones behind them */
};

static _Atomic size_t open_bytes, live_blocks;
static _Atomic size_t live_mappings; /* live blocks whose pages are mappings of their own */
static _Atomic bool is_stopped;

static size_t most_open_bytes(void) {
    return hak_options.guard_memory_bytes - hak_options.guard_memory_bytes / 4;
}

unsigned hak_guarded_left(unsigned parts) {
    size_t open = atomic_load_explicit(&open_bytes, memory_order_relaxed), most = most_open_bytes();
    return open < most ? (unsigned)((most - open) * parts / most) : 0;
}

static struct hak_large *refuse(enum hak_counted reason, size_t bytes) {
    hop_count(reason, HAK_CLASS_NONE, bytes);
    return NULL;
}

static void uncharge(size_t bytes) {
    atomic_fetch_sub(&open_bytes, bytes);
    atomic_fetch_sub(&live_blocks, 1);
}

/* Takes the block from what may be open, if there is as much. */
static bool charge(size_t bytes) {
    size_t open = atomic_fetch_add(&open_bytes, bytes) + bytes;
    atomic_fetch_add(&live_blocks, 1);
    if (open <= most_open_bytes())
        return true;
    uncharge(bytes);
    return false;
}

static bool is_mapping(const struct hak_large *large) {
    return large->closed_by == HAK_CLOSED_BY_MAPPING;
}

static bool has_mapping_left(void) {
    return atomic_load_explicit(&live_mappings, memory_order_relaxed) <
           (size_t)hak_most_mappings() / MAPS_SHARE / MAPS_OF_BLOCK;
}

/* The thread that claims a block that was given back opens or closes its pages; the others leave
 * it. */
static bool claim(struct hak_large *large) {
    uint8_t kept = HAK_LARGE_KEPT;
    return atomic_compare_exchange_strong_explicit(&large->state, &kept, HAK_LARGE_CHANGING,
                                                   memory_order_acquire, memory_order_relaxed);
}
static void leave(struct hak_large *large) {
    atomic_store_explicit(&large->state, HAK_LARGE_KEPT, memory_order_release);
}

/* False: the kernel does not, or a program that goes on after a fault in the block has it for a
 * moment. */
static bool open_pages(struct hak_large *large) {
    if (!claim(large))
        return false;
    if (HAK_LIKELY(hak_guarded_slot_open(large)))
        return true;
    (void)hak_guarded_slot_close(large, false);
    leave(large);
    return false;
}

/* A slot with open pages; NULL: there is none, for the `reason`. */
static struct hak_large *take_opened(size_t bytes, enum hak_counted *reason) {
    struct hak_large *large = hak_guarded_slot_take(bytes);
    *reason = HAK_COUNTED_GUARD_MEMORY;
    if (!large)
        return NULL;
    bool has_mapping = !is_mapping(large) || has_mapping_left();
    if (has_mapping && open_pages(large))
        return large;
    *reason = has_mapping ? HAK_COUNTED_GUARD_REFUSED : HAK_COUNTED_GUARD_MAPPINGS;
    hak_guarded_slot_give(large);
    return NULL;
}

struct hak_large *hak_guarded_take(size_t bytes, enum hak_guarded_side side, const void *caller) {
    if (bytes > HAK_GUARDED_PAGES_MAX * HAK_PAGE_BYTES)
        return refuse(HAK_COUNTED_GUARD_SIZE, bytes);
    if (atomic_load_explicit(&is_stopped, memory_order_relaxed))
        return refuse(HAK_COUNTED_GUARD_REFUSED, bytes);
    if (!charge(bytes))
        return refuse(HAK_COUNTED_GUARD_MEMORY, bytes);
    enum hak_counted reason;
    struct hak_large *large = take_opened(bytes, &reason);
    if (!large) {
        uncharge(bytes);
        return refuse(reason, bytes);
    }
    if (is_mapping(large))
        atomic_fetch_add_explicit(&live_mappings, 1, memory_order_relaxed);
    large->caller = caller;
    large->guarded_side = (uint16_t)side;
    large->is_of_pool = false;
    atomic_store_explicit(&large->state, HAK_LARGE_LIVE, memory_order_release);
    return large;
}

/* Without a mapping left for the kernel the pages are closed as they are, without their memory if
 * that is possible. */
static void close_pages(struct hak_large *large) {
    void *start = large->base.p;
    size_t bytes = large->mapped_bytes;
    large->is_fresh = hak_guarded_slot_close(large, true);
    if (HAK_LIKELY(large->is_fresh))
        return;
    large->is_fresh = hak_discard(start, bytes);
    if (!hak_bar_access(start, bytes))
        hop_count(HAK_COUNTED_GUARD_MAPPINGS, HAK_CLASS_NONE, bytes);
}

void hak_guarded_give(struct hak_large *large) {
    size_t bytes = large->mapped_bytes;
    atomic_store_explicit(&large->state, HAK_LARGE_CHANGING, memory_order_relaxed);
    if (is_mapping(large))
        atomic_fetch_sub_explicit(&live_mappings, 1, memory_order_relaxed);
    if (!atomic_load_explicit(&is_stopped, memory_order_relaxed))
        close_pages(large);
    leave(large);
    uncharge(bytes);
    hak_guarded_slot_give(large);
}

/* The program may write into it from now on. */
static bool open_freed(struct hak_large *large, void (*fill)(struct hak_large *)) {
    bool is_open = hak_guarded_slot_open(large);
    if (is_open) {
        large->is_fresh = false;
        fill(large);
    }
    leave(large);
    return is_open;
}

bool hak_guarded_open_at(const void *p, void (*fill)(struct hak_large *)) {
    char *page = (char *)((uintptr_t)p & ~(uintptr_t)(HAK_PAGE_BYTES - 1));
    if (!hak_guarded_covers(p) || atomic_load_explicit(&is_stopped, memory_order_relaxed))
        return false;
    struct hak_large *large = hak_large_containing(p);
    if (large && claim(large))
        return open_freed(large, fill);
    bool is_writable = hak_allow_writes(page, HAK_PAGE_BYTES);
    if (!large) /* a marker in a live block is the program's */
        (void)hak_clear_guards(page, HAK_PAGE_BYTES);
    return is_writable;
}

void hak_guarded_stop(void) {
    atomic_store(&is_stopped, true);
}

struct visit {
    void (*call)(struct hak_large *, void *);
    void *context;
};

static void visit_guarded(struct hak_large *large, void *context) {
    const struct visit *visit = context;
    if (large->guarded_side)
        visit->call(large, visit->context);
}

void hak_guarded_each(void (*visit)(struct hak_large *, void *), void *context) {
    struct visit all = {visit, context};
    (void)hak_large_each(visit_guarded, &all);
}

/* ---- does it agree? -------------------------------------------------------------------------- */

struct sums {
    size_t bytes, blocks, mappings;
};

/* Adds a block to the sums if it is a live guarded one. */
static void add(struct hak_large *large, void *context) {
    struct sums *sums = context;
    if (!large->guarded_side || !hak_large_is_live(large))
        return;
    sums->bytes += large->mapped_bytes;
    sums->blocks++;
    sums->mappings += is_mapping(large);
}

const char *hak_guarded_verify(void) {
    struct sums sums = {0};
    hak_large_each(add, &sums);
    if (sums.blocks != atomic_load(&live_blocks))
        return "other guarded blocks are live than were counted";
    if (sums.mappings != atomic_load(&live_mappings))
        return "other guarded blocks are mappings of their own than were counted";
    if (sums.bytes != atomic_load(&open_bytes))
        return "guarded blocks have other pages than were counted";
    return NULL;
}

static void end_change(struct hak_large *large, void *nothing) {
    uint8_t changing = HAK_LARGE_CHANGING;
    (void)nothing;
    if (large->guarded_side)
        atomic_compare_exchange_strong(&large->state, &changing, HAK_LARGE_KEPT);
}

/* Nobody here owns what another thread of the parent had charged and not yet taken, or not yet
 * uncharged; nor does anybody here open or close pages. */
void hak_guarded_after_fork(void) {
    struct sums sums = {0};
    hak_guarded_slots_after_fork();
    hak_large_each(end_change, NULL);
    hak_large_each(add, &sums);
    atomic_store(&live_blocks, sums.blocks);
    atomic_store(&live_mappings, sums.mappings);
    atomic_store(&open_bytes, sums.bytes);
}
