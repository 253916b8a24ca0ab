/* Claims rings and the extents they are made of, and gives them to the collector when done. */
#include "trace/ring/ring.h"
#include "hop.h"
#include "superslab.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include <string.h>

enum {
    SHARED_ENTRIES = 128,     /* ring entries that only shared rings may take */
    SHARED_EXTENTS_PART = 16, /* and which part of the extents */
    EARLY_EXTENTS = 64,       /* of all rings: 16 MiB */
};

struct hak_record hak_ring_nowhere;
_Atomic uint64_t hak_ring_nowhere_head;

_Thread_local struct hak_writer hak_writer __attribute__((tls_model("initial-exec"))) = {
    .records = &hak_ring_nowhere, .head = &hak_ring_nowhere_head};

/* The writer of each ring; of this process only. */
static _Atomic(struct hak_writer *) writers[HAK_RINGS];

/* Marks the extents as free, for other rings. */
static void give_back_extents(uint32_t first, uint32_t count) {
    for (uint32_t i = first; i < first + count; i++)
        atomic_store_explicit(&hak_current.session->extent_taken[i], 0, memory_order_release);
}

/* Takes `count` extents in a row below `limit`, the lowest that are free, so that the memory that
 * was ever touched stays small; the index of the first, or UINT32_MAX when there is no such run. */
static uint32_t take_extents(uint32_t count, uint32_t limit) {
    uint32_t run = 0;
    if (count == 0)
        return UINT32_MAX;
    for (uint32_t i = 0; i < limit; i++) {
        uint8_t free = 0;
        if (!atomic_compare_exchange_strong(&hak_current.session->extent_taken[i], &free, 1)) {
            give_back_extents(i - run, run);
            run = 0;
        } else if (++run == count) {
            return i + 1 - count;
        }
    }
    give_back_extents(limit - run, run);
    return UINT32_MAX;
}

bool hak_ring_may_grow_early(void) {
    uint32_t taken = 0;
    for (uint32_t i = 0; i < hak_current.extent_count && taken < EARLY_EXTENTS; i++)
        taken +=
            atomic_load_explicit(&hak_current.session->extent_taken[i], memory_order_relaxed) != 0;
    return taken < EARLY_EXTENTS;
}

/* Claims a free ring below `limit`, and raises the session's count of rings; NULL: none is free. */
static struct hak_ring_entry *take_entry(uint32_t limit) {
    _Atomic uint32_t *high = &hak_current.session->rings_high;
    for (uint32_t i = 0; i < limit; i++) {
        struct hak_ring_entry *ring = &hak_current.rings[i];
        uint32_t free = HAK_RING_FREE;
        if (atomic_load_explicit(&ring->state, memory_order_relaxed) == HAK_RING_FREE &&
            atomic_compare_exchange_strong(&ring->state, &free, HAK_RING_CLAIMED)) {
            hak_raise_to(high, i + 1);
            return ring;
        }
    }
    return NULL;
}

/* Makes an entry the calling thread's ring; its records begin at `start`. */
static void begin_ring(struct hak_ring_entry *ring, uint64_t start) {
    ring->process = hak_current.process_index;
    ring->thread = hak_trace_thread();
    ring->tid = (int32_t)hak_raw_call(SYS_gettid);
    ring->next = 0;
    ring->is_kept = 0;
    ring->start = start;
    atomic_store_explicit(&ring->lost, 0, memory_order_relaxed);
}

struct hak_ring_entry *hak_ring_claim(uint64_t bytes, bool shared) {
    uint32_t all = hak_current.extent_count;
    uint32_t kept = shared || all == 0 ? 0 : (all + SHARED_EXTENTS_PART - 1) / SHARED_EXTENTS_PART;
    uint32_t extents = (uint32_t)((bytes + HAK_EXTENT_BYTES - 1) / HAK_EXTENT_BYTES);
    uint32_t first = take_extents(extents, all - kept);
    if (first == UINT32_MAX)
        return NULL;
    struct hak_ring_entry *ring = take_entry(shared ? HAK_RINGS : HAK_RINGS - SHARED_ENTRIES);
    if (!ring) {
        give_back_extents(first, extents);
        return NULL;
    }
    uint64_t capacity = 1;
    while (capacity * 2 * HAK_RECORD_BYTES <= bytes)
        capacity *= 2;
    ring->first_extent = first;
    ring->extents = extents;
    ring->offset = hak_current.extent_offset + first * HAK_EXTENT_BYTES;
    ring->capacity = capacity;
    begin_ring(ring, atomic_load_explicit(&ring->head, memory_order_relaxed));
    return ring;
}

/* Whether a closed ring may be taken for other records; one that is kept only when its process has
 * ended, for it names the code in the others. `ticks`: when its last record was written, in low
 * bits. */
static bool may_take(const struct hak_ring_entry *ring, uint64_t *ticks) {
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t capacity = ring->capacity;
    if (atomic_load_explicit(&ring->state, memory_order_acquire) != HAK_RING_CLOSED ||
        ring->process >= HAK_PROCESSES || capacity == 0 || head == ring->start ||
        (ring->is_kept &&
         atomic_load(&hak_current.processes[ring->process].state) != HAK_PROCESS_ENDED))
        return false;
    const struct hak_record *records =
        (const void *)((const char *)hak_current.session + ring->offset);
    *ticks = hak_record_time(&records[(head - 1) & (capacity - 1)]);
    return true;
}

/* The ring of an ended thread that was used longest ago and may be taken over; NULL: none. */
static struct hak_ring_entry *find_oldest(void) {
    struct hak_ring_entry *oldest = NULL;
    uint64_t ticks, oldest_ticks = UINT64_MAX;
    uint32_t high = atomic_load(&hak_current.session->rings_high);
    for (uint32_t i = 0; i < high && i < HAK_RINGS; i++)
        if (may_take(&hak_current.rings[i], &ticks) && ticks < oldest_ticks) {
            oldest_ticks = ticks;
            oldest = &hak_current.rings[i];
        }
    return oldest;
}

struct hak_ring_entry *hak_ring_take_oldest(void) {
    uint32_t closed = HAK_RING_CLOSED;
    if (!hak_current.overwrites)
        return NULL;
    struct hak_ring_entry *ring = find_oldest();
    if (!ring || !atomic_compare_exchange_strong(&ring->state, &closed, HAK_RING_CLAIMED))
        return NULL;
    uint64_t head = atomic_load(&ring->head);
    atomic_fetch_add(&hak_current.processes[ring->process % HAK_PROCESSES].lost_unringed,
                     head - ring->start);
    begin_ring(ring, head);
    return ring;
}

void hak_ring_close_all(void) {
    uint32_t high = atomic_load(&hak_current.session->rings_high);
    for (uint32_t i = 0; i < high && i < HAK_RINGS; i++) {
        uint32_t claimed = HAK_RING_CLAIMED;
        if (hak_current.rings[i].process == hak_current.process_index)
            atomic_compare_exchange_strong(&hak_current.rings[i].state, &claimed, HAK_RING_CLOSED);
    }
}

static void forget_writer(const struct hak_ring_entry *ring) {
    if (ring)
        atomic_store(&writers[ring - hak_current.rings], NULL);
}

void hak_ring_use(struct hak_ring_entry *ring) {
    struct hak_writer *w = &hak_writer;
    forget_writer(w->ring);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    w->room = 0;
    w->records = (struct hak_record *)((char *)hak_current.session + ring->offset);
    w->mask = ring->capacity - 1;
    w->head = &ring->head;
    w->reserved = head;
    w->claimed_ticks = hak_session_ticks();
    w->loss.is_dropping = false;
    w->ring = ring;
    atomic_store(&writers[ring - hak_current.rings], w);
    w->room = w->loss.count ? 0 : head + ring->capacity / 2; /* the next record tells of it */
}

bool hak_ring_others_write(void) {
    for (uint32_t i = 0; i < HAK_RINGS; i++) {
        const struct hak_writer *w = atomic_load_explicit(&writers[i], memory_order_acquire);
        if (w && w != &hak_writer && __atomic_load_n(&w->depth, __ATOMIC_ACQUIRE) != 0)
            return true;
    }
    return false;
}

void hak_ring_forget(void) {
    struct hak_writer *w = &hak_writer;
    forget_writer(w->ring);
    w->room = 0;
    w->ring = NULL;
    w->records = &hak_ring_nowhere;
    w->mask = 0;
    w->head = &hak_ring_nowhere_head;
    w->reserved = 0;
    w->loss = (struct hak_loss){0};
    w->retry_ns = 0;
    w->setting_up = 0;
    w->shared = NULL;
    w->held = NULL;
}

void hak_ring_forget_writers(void) {
    for (uint32_t i = 0; i < HAK_RINGS; i++)
        if (atomic_load_explicit(&writers[i], memory_order_relaxed))
            atomic_store(&writers[i], NULL);
}

void hak_ring_close(void) {
    struct hak_ring_entry *ring = hak_writer.ring;
    hak_ring_forget();
    if (ring)
        atomic_store_explicit(&ring->state, HAK_RING_CLOSED, memory_order_release);
}
