/* The quarantine: what a thread frees waits here before it may be used again, so that a write, a
 * second free or a read through an old pointer still meets the block that it was meant for.
 *
 *   known --> ring of a thread --> ring of a thread --> ...        for the life of the process
 *             | places[tail] <-- keep          oldest = places[head] --> leaving |
 *
 * A ring holds the addresses of blocks, outside of them, first in, first out. It is bounded in
 * blocks (HAKMEM_QUARANTINE_BLOCKS) and bytes (HAKMEM_QUARANTINE); when it is over one of these, a
 * small part of it leaves in one go. To the layers a block in here is one that the program still
 * has: its slab counts it as used, and the large layer as live.
 *
 * Ownership: a ring belongs to its thread; no lock. After a fork the rings of threads that are not
 * there are LEFT: the thread that lets blocks leave next empties one of them, too, and a new thread
 * takes one over as it is. A block is in its ring before it is counted, and counted out before it
 * moves, so that a child never finds one twice. */
#include "guard/quarantine.h"

#include "guard/give_back.h"
#include "guard/pages.h"
#include "guard/slot_bytes.h"
#include "guard/watched/watched.h"
#include "platform/platform.h"

enum ring_state { RING_FREE, RING_OWNED, RING_LEFT };

static _Atomic(struct hak_quarantine *) known;
static _Atomic uint32_t left_rings;
_Thread_local struct hak_quarantine *hak_quarantine __attribute__((tls_model("initial-exec")));

/* So much leaves at once: four blocks or so, since what is fetched for more of them at once keeps
 * the processor waiting. */
enum { LEAVING_PART = 1024, LARGE_PART = 16 };

/* ---- rings ----------------------------------------------------------------------------------- */

/* Claims a ring that no thread owns, with what is in it. NULL: none. */
static struct hak_quarantine *take_known(void) {
    for (struct hak_quarantine *ring = atomic_load(&known); ring; ring = ring->next) {
        uint32_t state = atomic_load_explicit(&ring->state, memory_order_relaxed);
        if (state != RING_OWNED &&
            atomic_compare_exchange_strong(&ring->state, &state, RING_OWNED)) {
            if (state == RING_LEFT)
                atomic_fetch_sub(&left_rings, 1);
            return ring;
        }
    }
    return NULL;
}

static size_t less_than(size_t bound) {
    return bound * (LEAVING_PART - 1) / LEAVING_PART;
}

/* The thread's ring: one left by another thread, with its blocks, or a new one. NULL without
 * memory. */
static HAK_COLD struct hak_quarantine *take_ring(void) {
    struct hak_quarantine *ring = take_known();
    if (ring)
        return hak_quarantine = ring;
    uint32_t places = 2;
    while (places <= hak_options.quarantine_blocks)
        places *= 2;
    ring = hak_map(HAK_PAGES_OF(sizeof *ring + places * sizeof ring->places[0]));
    if (!ring)
        return NULL;
    ring->mask = places - 1;
    ring->most_blocks = (uint32_t)hak_options.quarantine_blocks;
    ring->less_blocks = (uint32_t)less_than(hak_options.quarantine_blocks);
    ring->most_bytes = hak_options.quarantine_bytes;
    ring->less_bytes = less_than(hak_options.quarantine_bytes);
    ring->state = RING_OWNED;
    ring->next = atomic_load(&known);
    while (!atomic_compare_exchange_weak(&known, &ring->next, ring))
        continue;
    return hak_quarantine = ring;
}

/* The bytes that a block counts for. A large one gives its pages back and keeps addresses alone. */
static inline size_t counted_bytes(const struct hak_located *at) {
    size_t most = hak_options.quarantine_bytes / LARGE_PART;
    return at->large && at->slot_bytes > most ? most : at->slot_bytes;
}

/* The slot's bytes are looked at by the thread alone to whose heap it belongs: only that one closes
 * and opens its pages. Others leave it to the hand-out. */
static inline bool is_of_heap(const struct hak_located *at, unsigned heap_id) {
    return at->superslab &&
           atomic_load_explicit(&at->superslab->owner, memory_order_relaxed) == heap_id;
}

static inline void count_large(struct hak_quarantine *ring, const struct hak_located *at,
                               int sign) {
    ring->holds.large_blocks += (size_t)sign;
    ring->holds.large_bytes += (size_t)sign * at->slot_bytes;
}

/* Puts the block in as the newest, and counts it. */
static inline void put_in_ring(struct hak_quarantine *ring, const struct hak_located *at) {
    hak_quarantine_push(ring, at->base, at->slot);
    ring->bytes += counted_bytes(at);
    if (HAK_LIKELY(at->superslab != NULL))
        ring->holds.slot_bytes += at->slot_bytes;
    else
        count_large(ring, at, 1);
}

/* Takes the block out of the ring's counts. */
static inline void count_out(struct hak_quarantine *ring, const struct hak_located *at) {
    ring->bytes -= counted_bytes(at);
    if (HAK_LIKELY(at->superslab != NULL))
        ring->holds.slot_bytes -= at->slot_bytes;
    else
        count_large(ring, at, -1);
}

/* ---- in -------------------------------------------------------------------------------------- */

static inline bool has_room_for(const struct hak_located *at) {
    return counted_bytes(at) <= hak_options.quarantine_bytes / 2;
}

static inline bool is_quarantine_on(void) {
    return hak_stops_at_illegal_hop() && hak_options.quarantine_bytes != 0 &&
           hak_options.inject[0] == '\0';
}

HAK_TRACER_TEXT enum hak_kept hak_check_quarantine(base_t base, enum hak_record_kind kind,
                                                   unsigned heap_id) {
    if (!is_quarantine_on())
        return HAK_NOT_KEPT;
    struct hak_quarantine *ring = hak_quarantine;
    if (HAK_UNLIKELY(!ring) && !(ring = take_ring()))
        return HAK_NOT_KEPT;
    struct hak_located at;
    if (!hak_locate(base.p, &at) || hak_is_guarded(&at))
        return HAK_NOT_KEPT;
    if (HAK_UNLIKELY(!has_room_for(&at))) {
        hak_hop_count(HAK_COUNTED_QUARANTINE_SKIP, at.class_index, 1);
        return HAK_NOT_KEPT;
    }
    if (!hak_take_from_program(at, kind, HAK_PLACE_QUARANTINE))
        return HAK_KEPT;
    hak_poison(&at);
    put_in_ring(ring, &at);
    if (HAK_UNLIKELY((at.slot->subkind & HAK_SLOT_WATCHED) != 0))
        hak_watched_offer_freed(&at);
    if (HAK_UNLIKELY(at.large))
        hak_pages_drop_large(&at);
    else if (is_of_heap(&at, heap_id))
        hak_pages_close(&hak_page_budget, &at);
    return HAK_UNLIKELY(hak_quarantine_is_over(ring)) ? HAK_KEPT_OVER : HAK_KEPT;
}

/* ---- out ------------------------------------------------------------------------------------- */

/* Takes the oldest block out, which stays counted. HAK_NO_BASE: empty. */
static base_t take_oldest(struct hak_quarantine *ring) {
    if (ring->head == ring->tail)
        return HAK_NO_BASE;
    base_t block = ring->places[ring->head & ring->mask].base;
    ring->head++;
    atomic_signal_fence(memory_order_release); /* as above */
    return block;
}

/* Takes the oldest block out of a quarantine whose thread a fork left behind, counts it out, and
 * frees its ring when it is empty. HAK_NO_BASE: none. */
static HAK_COLD base_t take_left(struct hak_located *at) {
    for (struct hak_quarantine *ring = atomic_load(&known); ring; ring = ring->next) {
        uint32_t left = RING_LEFT; /* claimed: another thread may want it, too */
        if (atomic_load_explicit(&ring->state, memory_order_relaxed) != RING_LEFT ||
            !atomic_compare_exchange_strong(&ring->state, &left, RING_OWNED))
            continue;
        base_t block = take_oldest(ring);
        if (block.p) {
            bool is_known = hak_locate(block.p, at);
            if (is_known)
                count_out(ring, at); /* a thread may take the ring over */
            atomic_store(&ring->state, RING_LEFT);
            return is_known ? block : HAK_NO_BASE;
        }
        ring->bytes = 0;
        ring->holds = (struct hak_quarantined){0};
        atomic_fetch_sub(&left_rings, 1);
        atomic_store(&ring->state, RING_FREE);
    }
    return HAK_NO_BASE;
}

static inline bool is_due(const struct hak_quarantine *ring) {
    return ring->tail - ring->head > ring->less_blocks || ring->bytes > ring->less_bytes;
}

base_t hak_check_leaving(bool all) {
    struct hak_quarantine *ring = hak_quarantine;
    struct hak_located at;
    if (!ring)
        return HAK_NO_BASE;
    base_t block = all || is_due(ring) ? take_oldest(ring) : HAK_NO_BASE;
    if (block.p && hak_locate(block.p, &at)) {
        count_out(ring, &at);
    } else if (HAK_UNLIKELY(atomic_load_explicit(&left_rings, memory_order_relaxed) != 0)) {
        block = take_left(&at);
        if (!block.p)
            return HAK_NO_BASE;
    } else {
        return HAK_NO_BASE;
    }
    if (at.large)
        hak_pages_forget_large(&at);
    return block;
}

/* Reports a block in quarantine whose state says that it is not. */
static HAK_COLD void report_not_kept(struct hak_located at) {
    struct hak_finding finding = {.code = HAK_FAULT_WRONG_LAYER_MOVE,
                                  .kind = HAK_QUARANTINE_LEAVE,
                                  .pointer = at.base,
                                  .class_found = at.class_index};
    hak_report_fault(&at, &finding);
}

/* Writes the record of a block that leaves quarantine, unless recording is stopped. */
static void record_leaving(const char *base, unsigned class_index, uint32_t epoch,
                           uint32_t record_count, enum hak_place to, uint8_t flags) {
    if (hak_trace_is_stopped() && !(flags & HAK_RECORD_ILLEGAL))
        return;
    struct hak_event_fields fields = {
        .address = (uintptr_t)base,
        .kind = HAK_QUARANTINE_LEAVE,
        .class_index = (uint8_t)class_index,
        .place = (uint8_t)to,
        .flags = flags,
        .record_count = record_count,
        .epoch = epoch,
    };
    hak_trace_record(&fields);
}

/* Asks the processor for the bytes of a block that is handed out again soon, and lay here long
 * enough to be out of its caches, and for the state of one that leaves a little later. */
static inline void fetch_ahead(const struct hak_quarantine *ring, const char *base,
                               size_t slot_bytes) {
    enum { AHEAD = 8, LINE_BYTES = 64 };
    __builtin_prefetch(base, 1);
    __builtin_prefetch(base + LINE_BYTES, 1);
    __builtin_prefetch(base + slot_bytes - 1, 1);
    __builtin_prefetch(ring->places[(ring->head + AHEAD) & ring->mask].slot, 1);
}

HAK_TRACER_TEXT base_t hak_check_leave_to_array(unsigned heap_id, const uint8_t *places,
                                                unsigned *class_index) {
    struct hak_quarantine *ring = hak_quarantine;
    if (!ring || !hak_check_path.keeps || !is_due(ring) || HAK_UNLIKELY(ring->head == ring->tail))
        return HAK_NO_BASE;
    struct hak_kept_block kept = ring->places[ring->head & ring->mask];
    if (HAK_UNLIKELY(hak_registry_owner_fast(kept.base.p) != heap_id))
        return HAK_NO_BASE;
    const struct hak_superslab *superslab = hak_superslab_of(kept.base.p);
    unsigned slab_index = hak_slab_index_of(kept.base.p);
    unsigned class = superslab->class_of_slab[slab_index];
    if (HAK_UNLIKELY(class >= HAK_CLASSES || places[class] == HAK_PLACE_UNTOUCHED ||
                     kept.slot->place != HAK_PLACE_QUARANTINE))
        return HAK_NO_BASE;
    ring->head++;
    atomic_signal_fence(memory_order_release); /* as in take_oldest */
    size_t slot_bytes = hak_class_bytes(class);
    ring->bytes -= slot_bytes;
    ring->holds.slot_bytes -= slot_bytes;
    kept.slot->place = places[class];
    uint32_t record_count = ++kept.slot->record_count;
    fetch_ahead(ring, kept.base.p, slot_bytes);
    uint32_t epoch = superslab->slabs[slab_index].epoch;
    if (hak_check_path.is_recorded && HAK_LIKELY(epoch >> HAK_RECORD_EPOCH_BITS == 0))
        hak_trace_record_move(hak_record_head(HAK_QUARANTINE_LEAVE, class),
                              hak_record_address(base_address(kept.base), 0, 0),
                              hak_record_tail(record_count, epoch, places[class], 0));
    else if (hak_check_path.is_recorded)
        record_leaving(kept.base.p, class, epoch, record_count, places[class], 0);
    *class_index = class;
    return kept.base;
}

/* Takes a block out of quarantine to the place `to`: its poison is compared before a link is
 * written over it. False: it is none of ours. */
HAK_TRACER_TEXT bool hak_leave_quarantine(base_t base, enum hak_place to) {
    struct hak_located at;
    if (!hak_locate(base.p, &at))
        return false;
    hak_watched_leave(at.slot);
    if (to != HAK_PLACE_REMOTE && !hak_closed_pages_of(&at))
        hak_check_poison(&at, HAK_QUARANTINE_LEAVE);
    bool is_legal = at.slot->place == HAK_PLACE_QUARANTINE;
    if (HAK_LIKELY(is_legal))
        at.slot->place = (uint8_t)to;
    record_leaving(at.base, at.class_index, at.epoch, ++at.slot->record_count, to,
                   is_legal ? 0 : HAK_RECORD_ILLEGAL);
    if (HAK_UNLIKELY(!is_legal)) {
        report_not_kept(at);
        return false;
    }
    (void)hak_enter_list(&at);
    if (at.large)
        hak_remember_large(at.large);
    return true;
}

/* The sum of what all rings hold. */
struct hak_quarantined hak_check_quarantined(void) {
    struct hak_quarantined all = {0};
    for (const struct hak_quarantine *ring = atomic_load(&known); ring; ring = ring->next) {
        all.slot_bytes += ring->holds.slot_bytes;
        all.large_blocks += ring->holds.large_blocks;
        all.large_bytes += ring->holds.large_bytes;
    }
    return all;
}

/* ---- the moments of a thread ----------------------------------------------------------------- */

void hak_quarantine_thread_end(void) {
    struct hak_quarantine *ring = hak_quarantine;
    hak_quarantine = NULL;
    if (ring)
        atomic_store(&ring->state, ring->head == ring->tail ? RING_FREE : RING_LEFT);
}

void hak_quarantine_fork_child(void) {
    uint32_t left = 0;
    for (struct hak_quarantine *ring = atomic_load(&known); ring; ring = ring->next) {
        if (ring == hak_quarantine)
            continue;
        if (atomic_load(&ring->state) != RING_FREE)
            atomic_store(&ring->state, RING_LEFT);
        left += ring->state == RING_LEFT;
    }
    atomic_store(&left_rings, left);
}
