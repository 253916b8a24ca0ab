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
 * Who owns what: a ring belongs to its thread; no lock. After a fork the rings of threads that are
 * not there are LEFT: whoever lets blocks leave next empties one of them, too, and a new thread
 * takes one over as it is. A block is in its ring before it is counted, and counted out before it
 * moves, so that a child never finds one twice. */
#include <stdatomic.h>
#include "guard/give_back.h"
#include "guard/pages.h"
#include "guard/short_way.h"
#include "platform/platform.h"

enum ring_state { RING_FREE, RING_OWNED, RING_LEFT };

struct ring {
    struct ring *next; /* of all there are; never changes */
    _Atomic uint32_t state;
    uint32_t mask;       /* places - 1 */
    uint32_t head, tail; /* blocks that came out, and went in, since the start */
    size_t bytes;        /* that count against the bound */
    struct hak_quarantined holds;
    base_t places[];
};

static _Atomic(struct ring *) known;
static _Atomic uint32_t left_rings;
static _Thread_local struct ring *own __attribute__((tls_model("initial-exec")));

/* So much leaves at once: four blocks or so, since what is fetched for more of them at once keeps
 * the processor waiting. */
enum { LEAVING_PART = 1024, LARGE_PART = 16 };

/* ---- rings ----------------------------------------------------------------------------------- */

static struct ring *take_known(void) {
    for (struct ring *ring = atomic_load(&known); ring; ring = ring->next) {
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

static HAK_COLD struct ring *take_ring(void) {
    struct ring *ring = take_known();
    if (ring)
        return own = ring;
    uint32_t places = 2;
    while (places <= hak_options.quarantine_blocks)
        places *= 2;
    ring = hak_map(HAK_PAGES_OF(sizeof *ring + places * sizeof ring->places[0]));
    if (!ring)
        return NULL;
    ring->mask = places - 1;
    ring->state = RING_OWNED;
    ring->next = atomic_load(&known);
    while (!atomic_compare_exchange_weak(&known, &ring->next, ring))
        continue;
    return own = ring;
}

/* What a block counts for. A large one gives its pages back and keeps addresses alone. */
static inline size_t counted_bytes(const struct hak_located *at) {
    size_t most = hak_options.quarantine_bytes / LARGE_PART;
    return at->large && at->slot_bytes > most ? most : at->slot_bytes;
}

static inline bool is_over(const struct ring *ring, size_t part) {
    return ring->tail - ring->head > hak_options.quarantine_blocks * part / LEAVING_PART ||
           ring->bytes > hak_options.quarantine_bytes * part / LEAVING_PART;
}

/* The slot's bytes are looked at by the thread alone to whose heap it belongs: only that one closes
 * and opens its pages. Others leave it to the hand-out. */
static inline bool is_of_heap(const struct hak_located *at, unsigned heap_id) {
    return at->superslab &&
           atomic_load_explicit(&at->superslab->owner, memory_order_relaxed) == heap_id;
}

static inline void count_large(struct ring *ring, const struct hak_located *at, int sign) {
    ring->holds.large_blocks += (size_t)sign;
    ring->holds.large_bytes += (size_t)sign * at->slot_bytes;
}

static inline void push(struct ring *ring, char *base) {
    ring->places[ring->tail & ring->mask] = base_from(base);
    atomic_signal_fence(memory_order_release); /* a fork may come in between */
    ring->tail++;
}

static inline void put(struct ring *ring, const struct hak_located *at) {
    push(ring, at->base);
    ring->bytes += counted_bytes(at);
    if (HAK_LIKELY(at->superslab != NULL))
        ring->holds.slot_bytes += at->slot_bytes;
    else
        count_large(ring, at, 1);
}

static inline void count_out(struct ring *ring, const struct hak_located *at) {
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

static inline bool is_on(void) {
    return hak_stops_at_illegal_hop() && hak_options.quarantine_bytes != 0 &&
           hak_options.inject[0] == '\0';
}

HAK_TRACER_TEXT enum hak_kept hak_check_keep(base_t base, enum hak_record_kind kind,
                                             unsigned heap_id) {
    if (!is_on())
        return HAK_NOT_KEPT;
    struct ring *ring = own;
    if (HAK_UNLIKELY(!ring) && !(ring = take_ring()))
        return HAK_NOT_KEPT;
    struct hak_located at;
    if (!hak_locate(base.p, &at))
        return HAK_NOT_KEPT;
    if (HAK_UNLIKELY(!has_room_for(&at))) {
        hak_trace_count_amount(HAK_COUNTED_QUARANTINE_SKIP, at.class_index, 1);
        return HAK_NOT_KEPT;
    }
    if (!hak_take_from_program(at, kind, HAK_PLACE_QUARANTINE))
        return HAK_KEPT;
    hak_poison(&at);
    put(ring, &at);
    if (HAK_UNLIKELY(at.large))
        hak_pages_drop_large(&at);
    else if (is_of_heap(&at, heap_id))
        hak_pages_close(&hak_page_budget, &at);
    return HAK_UNLIKELY(is_over(ring, LEAVING_PART)) ? HAK_KEPT_OVER : HAK_KEPT;
}

static inline bool is_whole_near(const struct hak_near_slot *at) {
    size_t asked_bytes = at->slot->asked_bytes;
    struct hak_header due = hak_header_near(at), found;
    __builtin_memcpy(&found, at->base, sizeof found);
    return ((found.first ^ due.first) | (found.second ^ due.second)) == 0 &&
           hak_canary_stands_shortly(at->base + HAK_HEADER_BYTES + asked_bytes,
                                     at->base + at->slot_bytes,
                                     hak_word_near(at, HAK_PATTERN_CANARY));
}

/* By value, so that nobody takes the address of what was located. */
static HAK_COLD void close_pages(struct hak_near_slot at) {
    struct hak_located located = hak_located_of(&at);
    hak_pages_close(&hak_page_budget, &located);
}

HAK_TRACER_TEXT enum hak_kept hak_check_give_shortly(user_t user, enum hak_record_kind kind,
                                                     unsigned heap_id) {
    struct ring *ring = own;
    struct hak_near_slot at;
    uint8_t flags = 0;
    if (HAK_UNLIKELY(!hak_check_short_way || !ring || hak_is_asked()) ||
        HAK_UNLIKELY(hak_registry_owner_fast(user.p) != heap_id) ||
        !hak_locate_near(user.p, (hak_owner_t)heap_id, &at))
        return HAK_NOT_KEPT;
    struct hak_slot *slot = at.slot;
    if (HAK_UNLIKELY(slot->place != HAK_PLACE_LIVE || user.p != at.base + HAK_HEADER_BYTES ||
                     slot->user_delta * 8 != HAK_HEADER_BYTES || slot->subkind & HAK_SLOT_TOLD ||
                     at.slot_bytes > hak_options.quarantine_bytes / 2) ||
        HAK_UNLIKELY(!is_whole_near(&at) || !hak_kinds_agree(kind, slot->subkind)) ||
        HAK_UNLIKELY(!hak_take_live(slot, HAK_PLACE_QUARANTINE)))
        return HAK_NOT_KEPT;
    slot->record_count++;
    slot->free_stack = hak_take_call_stack(&flags);
    slot->lives = hak_pattern_next_life(slot->lives);
    struct hak_filled filled =
        hak_filled_between(user.p, at.base + at.slot_bytes, slot->asked_bytes);
    hak_poison_shortly(&filled, hak_word_near(&at, HAK_PATTERN_FREED));
    __atomic_store_n(&slot->subkind, (uint8_t)(slot->subkind | HAK_SLOT_POISONED),
                     __ATOMIC_RELEASE);
    push(ring, at.base);
    ring->bytes += at.slot_bytes;
    ring->holds.slot_bytes += at.slot_bytes;
    if (HAK_UNLIKELY(hak_pages_want_a_look(&hak_page_budget)))
        close_pages(at);
    return HAK_UNLIKELY(is_over(ring, LEAVING_PART)) ? HAK_KEPT_OVER : HAK_KEPT;
}

/* ---- out ------------------------------------------------------------------------------------- */

static base_t take_oldest(struct ring *ring) {
    if (ring->head == ring->tail)
        return HAK_NO_BASE;
    base_t block = ring->places[ring->head & ring->mask];
    ring->head++;
    atomic_signal_fence(memory_order_release); /* as above */
    return block;
}

/* Of a thread that a fork left behind. */
static HAK_COLD base_t take_left(void) {
    for (struct ring *ring = atomic_load(&known); ring; ring = ring->next) {
        uint32_t left = RING_LEFT; /* claimed: another thread may want it, too */
        if (atomic_load_explicit(&ring->state, memory_order_relaxed) != RING_LEFT ||
            !atomic_compare_exchange_strong(&ring->state, &left, RING_OWNED))
            continue;
        base_t block = take_oldest(ring);
        if (block.p) {
            atomic_store(&ring->state, RING_LEFT);
            return block;
        }
        ring->bytes = 0;
        ring->holds = (struct hak_quarantined){0};
        atomic_fetch_sub(&left_rings, 1);
        atomic_store(&ring->state, RING_FREE);
    }
    return HAK_NO_BASE;
}

/* The oldest block where the short way is on, if it is a slot's. What leaves lay here long enough
 * to be out of the processor's caches, and is handed out again soon: asks for the block's bytes,
 * and for the state of one that leaves a little later. */
static inline base_t take_shortly(struct ring *ring) {
    enum { AHEAD = 8, LINE_BYTES = 64 };
    struct hak_near_slot at, later;
    base_t block = ring->places[ring->head & ring->mask];
    if (!hak_locate_near(block.p, hak_registry_owner_fast(block.p), &at))
        return HAK_NO_BASE;
    ring->head++;
    atomic_signal_fence(memory_order_release); /* as above */
    ring->bytes -= at.slot_bytes;
    ring->holds.slot_bytes -= at.slot_bytes;
    __builtin_prefetch(block.p, 1);
    __builtin_prefetch(block.p + LINE_BYTES, 1);
    __builtin_prefetch(block.p + at.slot_bytes - 1, 1);
    const char *base = ring->places[(ring->head + AHEAD) & ring->mask].p;
    if (hak_locate_near(base, hak_registry_owner_fast(base), &later))
        __builtin_prefetch(later.slot, 1);
    return block;
}

base_t hak_check_leaving(bool all, unsigned heap_id) {
    struct ring *ring = own;
    base_t block = HAK_NO_BASE;
    if (!ring)
        return block;
    bool is_due = all || is_over(ring, LEAVING_PART - 1);
    if (is_due && HAK_LIKELY(hak_check_short_way) && ring->head != ring->tail &&
        HAK_LIKELY((block = take_shortly(ring)).p != NULL))
        return block;
    if (is_due)
        block = take_oldest(ring);
    struct hak_located at;
    if (block.p && hak_locate(block.p, &at)) {
        count_out(ring, &at);
    } else if (HAK_UNLIKELY(atomic_load_explicit(&left_rings, memory_order_relaxed) != 0)) {
        block = take_left();
        if (!block.p || !hak_locate(block.p, &at))
            return HAK_NO_BASE;
    } else {
        return HAK_NO_BASE;
    }
    if (at.large)
        hak_pages_forget_large(&at);
    else if (!hak_check_short_way && is_of_heap(&at, heap_id) && !hak_closed_pages_of(&at))
        hak_check_poison(&at, HAK_QUARANTINE_LEAVE);
    return block;
}

bool hak_leave_quarantine(struct hak_located at, enum hak_place to) {
    struct hak_event_fields fields = {
        .address = (uintptr_t)at.base,
        .kind = HAK_QUARANTINE_LEAVE,
        .class_index = (uint8_t)at.class_index,
        .place = (uint8_t)to,
        .epoch = at.epoch,
    };
    bool is_legal = at.slot->place == HAK_PLACE_QUARANTINE;
    if (HAK_UNLIKELY(!is_legal))
        fields.flags = HAK_RECORD_ILLEGAL;
    else
        at.slot->place = (uint8_t)to;
    fields.record_count = ++at.slot->record_count;
    hak_trace_record(&fields);
    if (HAK_LIKELY(is_legal))
        return true;
    struct hak_finding finding = {.code = HAK_FAULT_WRONG_LAYER_MOVE,
                                  .kind = HAK_QUARANTINE_LEAVE,
                                  .pointer = at.base,
                                  .class_found = at.class_index};
    hak_report_fault(&at, &finding);
    return false;
}

struct hak_quarantined hak_check_quarantined(void) {
    struct hak_quarantined all = {0};
    for (const struct ring *ring = atomic_load(&known); ring; ring = ring->next) {
        all.slot_bytes += ring->holds.slot_bytes;
        all.large_blocks += ring->holds.large_blocks;
        all.large_bytes += ring->holds.large_bytes;
    }
    return all;
}

/* ---- the moments of a thread ----------------------------------------------------------------- */

void hak_quarantine_thread_end(void) {
    struct ring *ring = own;
    own = NULL;
    if (ring)
        atomic_store(&ring->state, ring->head == ring->tail ? RING_FREE : RING_LEFT);
}

void hak_quarantine_fork_child(void) {
    uint32_t left = 0;
    for (struct ring *ring = atomic_load(&known); ring; ring = ring->next) {
        if (ring == own)
            continue;
        if (atomic_load(&ring->state) != RING_FREE)
            atomic_store(&ring->state, RING_LEFT);
        left += ring->state == RING_LEFT;
    }
    atomic_store(&left_rings, left);
}
