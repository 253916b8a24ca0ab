/* Rings that several threads of a process write, under a lock: for threads that get none of their
 * own because ring entries or extents are used up, and for signal handlers that interrupted a
 * record in their thread's ring.
 *
 *   thread 7 --lock--> | of 7 | event | of 9 | event | of 7 | event, continuation | --> head
 *
 * Each event has a THREAD_SWITCH before it, and both become visible with one store to `head`, so
 * that a reader needs no memory of who wrote before: it may begin at any event, also after the
 * death of the worker that read until there.
 *
 * The lock lies in private memory. It is held for the few stores of one event, with all signals
 * blocked: a handler cannot find it held by its own thread, and cannot leave by longjmp with it. A
 * thread does not die alone, and a forked child forgets ring and lock; the child of a vfork that is
 * killed with it is cleaned up after by its parent (hak_ring_share_abandon). Waiting for room
 * happens without it. */
#include "trace/ring/ring.h"
#include "hop.h"
#include "options.h"
#include "superslab.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "platform/block_signals.h"
#include "platform/lock.h"

enum {
    SHARED_RINGS = 4,    /* of a process in a session with MANY_EXTENTS, else one */
    MANY_EXTENTS = 1024, /* so that small sessions have some for more processes */
    LOCK_WAIT_MS = 2000, /* for a thread that is not given the processor */
    SPINS = 100,
    SWITCH_RECORDS = 1,
    LOSS_RECORDS = 2,
    BELLS = 8, /* in a ring that fills */
};

struct hak_shared_ring {
    _Alignas(64) struct hak_lock lock;
    _Atomic uint32_t stuck;                /* the lock was not to be had: nobody waits again */
    _Atomic(struct hak_ring_entry *) ring; /* set once, under the lock */
    struct hak_record *records;            /* as in struct hak_writer */
    uint64_t mask;
};

static struct hak_shared_ring shared_rings[SHARED_RINGS];
static _Atomic uint64_t next_try_ns;

static uint64_t head_of(const struct hak_shared_ring *shared) {
    const struct hak_ring_entry *ring = atomic_load_explicit(&shared->ring, memory_order_acquire);
    return ring ? atomic_load_explicit(&ring->head, memory_order_relaxed) : 0;
}

/* Takes a shared ring's lock. False: nobody has written in all that time, though the lock is held.
 */
static bool lock_in_time(struct hak_shared_ring *shared) {
    if (hak_try_lock(&shared->lock)) {
        atomic_store_explicit(&shared->stuck, 0, memory_order_relaxed);
        return true;
    }
    if (atomic_load_explicit(&shared->stuck, memory_order_relaxed))
        return false;
    /* It is held for less than sleeping and waking takes. */
    for (int spin = 0; spin < SPINS; spin++) {
        hak_spin_hint();
        if (atomic_load_explicit(&shared->lock.holder, memory_order_relaxed) == 0 &&
            hak_try_lock(&shared->lock))
            return true;
    }
    uint64_t head = head_of(shared), since = hak_monotonic_ns();
    uint32_t seen = 0;
    while (!hak_lock_turn(&shared->lock, &seen, HAK_RING_WAIT_SLICE_MS * HAK_MILLISECOND_NS)) {
        uint64_t now = hak_monotonic_ns();
        if (head_of(shared) != head) { /* others were quicker */
            head = head_of(shared);
            since = now;
        } else if (seen != 0 && now - since >= LOCK_WAIT_MS * HAK_MILLISECOND_NS) {
            atomic_store_explicit(&shared->stuck, 1, memory_order_relaxed);
            return false;
        }
    }
    return true;
}

/* Claims the ring that is to be shared, as big as can be had: many write it, and it does not grow.
 * False: there is none. */
static bool claim(struct hak_shared_ring *shared) {
    uint64_t bytes = HAK_RING_MAX_BYTES;
    struct hak_ring_entry *ring = hak_ring_claim(bytes, true);
    while (!ring && bytes > HAK_EXTENT_BYTES) {
        bytes /= 2;
        ring = hak_ring_claim(bytes, true);
    }
    if (!ring)
        ring = hak_ring_take_oldest();
    if (!ring)
        return false;
    shared->records = (struct hak_record *)((char *)hak_current.session + ring->offset);
    shared->mask = ring->capacity - 1;
    atomic_store_explicit(&shared->ring, ring, memory_order_release);
    return true;
}

bool hak_ring_share_begin(void) {
    uint32_t count = hak_current.extent_count >= MANY_EXTENTS ? SHARED_RINGS : 1;
    for (uint32_t i = 0; i < count; i++) {
        struct hak_shared_ring *shared = &shared_rings[(hak_thread_number + i) % count];
        bool there = atomic_load_explicit(&shared->ring, memory_order_acquire) != NULL;
        if (!there && lock_in_time(shared)) {
            there = atomic_load(&shared->ring) || claim(shared);
            hak_unlock(&shared->lock);
        }
        if (there) {
            hak_writer.shared = shared;
            return true;
        }
    }
    return false;
}

bool hak_ring_share_may_end(uint64_t now_ns) {
    uint64_t due = atomic_load_explicit(&next_try_ns, memory_order_relaxed);
    return now_ns >= due &&
           atomic_compare_exchange_strong(&next_try_ns, &due,
                                          now_ns + HAK_RING_RETRY_MS * HAK_MILLISECOND_NS);
}

void hak_ring_share_end(void) {
    struct hak_writer *w = &hak_writer;
    uint64_t lost = w->loss.count;
    if (w->shared && w->ring && lost) { /* it will be told there */
        atomic_fetch_sub_explicit(&hak_ring_shared_entry()->lost, lost, memory_order_relaxed);
        atomic_fetch_add_explicit(&w->ring->lost, lost, memory_order_relaxed);
    }
    w->shared = NULL;
}

struct hak_ring_entry *hak_ring_shared_entry(void) {
    return hak_writer.shared ? atomic_load_explicit(&hak_writer.shared->ring, memory_order_relaxed)
                             : NULL;
}

/* Writes the records before the event: the LOSS of dropped ones, and the event's thread. */
static uint64_t write_prefix(struct hak_writer *w, uint64_t at, uint64_t ticks) {
    struct hak_event_fields of = {.time = ticks,
                                  .kind = HAK_THREAD_SWITCH,
                                  .class_index = HAK_CLASS_NONE,
                                  .address = w->thread_id,
                                  .size = hak_thread_number};
    if (w->loss.count) {
        struct hak_event_fields loss = hak_ring_take_loss();
        loss.time = ticks;
        loss.flags = HAK_RECORD_WIDE;
        *hak_ring_slot(at++) = hak_record_pack_narrow(&of);
        *hak_ring_slot(at++) = hak_record_pack_narrow(&loss);
        *hak_ring_slot(at++) = hak_record_pack_wide(&loss, HAK_CONTINUATION);
    }
    *hak_ring_slot(at++) = hak_record_pack_narrow(&of);
    return at;
}

/* The records in the shared ring that are not read yet. */
static uint64_t shared_used_records(const struct hak_shared_ring *shared,
                                    const struct hak_ring_entry *ring, uint64_t *tail) {
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    *tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (hak_current.overwrites)
        return 0;
    return head - *tail <= shared->mask + 1 ? head - *tail : shared->mask + 1;
}

enum outcome { GOES, FULL, LOCKED_OUT };

/* Tries to take the lock with room for the event behind it; `signals` and the claim are the
 * caller's. */
static enum outcome hold(struct hak_writer *w, unsigned count, uint64_t *position, uint64_t *ticks,
                         uint64_t *full_tail) {
    struct hak_shared_ring *shared = w->shared;
    if (!lock_in_time(shared))
        return LOCKED_OUT;
    struct hak_ring_entry *ring = atomic_load_explicit(&shared->ring, memory_order_relaxed);
    unsigned wanted = count + SWITCH_RECORDS + (w->loss.count ? SWITCH_RECORDS + LOSS_RECORDS : 0);
    uint64_t capacity = shared->mask + 1, used = shared_used_records(shared, ring, full_tail);
    if (used + wanted > capacity) {
        hak_unlock(&shared->lock);
        return FULL;
    }
    w->held = shared;
    w->own_records = w->records;
    w->own_mask = w->mask;
    w->records = shared->records;
    w->mask = shared->mask;
    *ticks = hak_session_ticks();
    *position = write_prefix(w, atomic_load_explicit(&ring->head, memory_order_relaxed), *ticks);
    w->held_end = *position + count;
    if (used + wanted >= capacity / 2 &&
        used * BELLS / capacity != (used + wanted) * BELLS / capacity)
        hak_ring_doorbell(hak_current.session);
    return GOES;
}

enum hak_shared_place hak_ring_share_reserve(unsigned count, uint64_t *position, uint64_t *ticks) {
    struct hak_writer *w = &hak_writer;
    uint64_t begin = 0, tail, signals;
    for (;;) {
        uint32_t commits = atomic_load(&hak_current.session->commits);
        hak_block_signals(&signals);
        if (w->held) { /* a fault in the middle of an event */
            hak_restore_signals(&signals);
            atomic_fetch_add_explicit(&hak_current.process->lost_unringed, 1, memory_order_relaxed);
            return HAK_SHARED_DROPPED;
        }
        if (atomic_load(hak_current.alive) == HAK_ALIVE_WIPED) {
            hak_restore_signals(&signals);
            return HAK_SHARED_FORKED;
        }
        hak_current_enter_claim();
        w->held_signals = signals;
        enum outcome outcome = hold(w, count, position, ticks, &tail);
        if (outcome == GOES) {
            w->loss.is_dropping = false;
            return HAK_SHARED_RESERVED;
        }
        hak_current_leave_claim();
        hak_restore_signals(&signals);
        if (outcome == LOCKED_OUT || hak_options.trace_full == HAK_FULL_DROP ||
            (w->loss.is_dropping && w->loss.full_tail == tail))
            break;
        if (begin == 0)
            begin = hak_monotonic_ns();
        if (!hak_ring_wait_a_slice(commits, begin)) {
            w->loss.is_dropping = true;
            w->loss.full_tail = tail;
            break;
        }
    }
    hak_ring_count_loss(HAK_LOSS_RING_FULL);
    return HAK_SHARED_DROPPED;
}

/* Finds a ring that the calling thread may share, in w->shared; false: none. Signals must be
 * blocked. */
static bool find_shared(struct hak_writer *w) {
    hak_current_enter_claim();
    bool is_there = w->ring && hak_ring_share_begin();
    hak_current_leave_claim();
    if (is_there)
        w->thread_id = (uint32_t)hak_raw_call(SYS_gettid);
    return is_there;
}

/* Reserves `count` records in a shared ring beside the thread's own; losses of the thread's own
 * ring are told of there. */
enum hak_shared_place hak_ring_reserve_beside(unsigned count, uint64_t *position, uint64_t *ticks) {
    struct hak_writer *w = &hak_writer;
    uint64_t signals;
    hak_block_signals(&signals);
    struct hak_loss own = w->loss;
    w->loss.count = 0;
    w->loss.is_dropping = false;
    enum hak_shared_place place =
        find_shared(w) ? hak_ring_share_reserve(count, position, ticks) : HAK_SHARED_DROPPED;
    if (place == HAK_SHARED_DROPPED && w->loss.count == 0)
        hak_ring_count_loss(HAK_LOSS_IN_HANDLER);
    if (own.count) {
        own.count += w->loss.count;
        own.to = w->loss.to;
        w->loss = own;
    }
    w->loss.full_tail = own.full_tail;
    w->loss.is_dropping = own.is_dropping;
    if (place == HAK_SHARED_RESERVED) {
        w->held_signals = signals; /* finish restores them */
        return place;
    }
    w->shared = NULL;
    hak_restore_signals(&signals);
    return place;
}

/* Gives the shared ring back after one event; the thread's own records are in use again. */
static void let_go(struct hak_writer *w) {
    struct hak_shared_ring *shared = w->held;
    w->records = w->own_records;
    w->mask = w->own_mask;
    w->held = NULL;
    if (w->ring) /* a handler wrote beside it */
        w->shared = NULL;
    hak_unlock(&shared->lock);
    hak_current_leave_claim();
}

void hak_ring_share_finish(void) {
    struct hak_writer *w = &hak_writer;
    uint64_t signals = w->held_signals;
    struct hak_ring_entry *ring = atomic_load_explicit(&w->held->ring, memory_order_relaxed);
    atomic_store_explicit(&ring->head, w->held_end, memory_order_release);
    uint64_t unread = w->held_end - atomic_load_explicit(&ring->tail, memory_order_relaxed);
    bool fills = unread > (w->mask + 1) / 2;
    let_go(w);
    hak_restore_signals(&signals);
    if (fills)
        hak_current_replace_collector(HAK_RING_DEAD_AFTER_MS);
}

void hak_ring_share_abandon(void) {
    if (hak_writer.held)
        let_go(&hak_writer);
}

void hak_ring_share_forget(void) {
    for (int i = 0; i < SHARED_RINGS; i++) {
        atomic_store(&shared_rings[i].lock.holder, 0);
        atomic_store(&shared_rings[i].stuck, 0);
        atomic_store(&shared_rings[i].ring, NULL);
    }
    atomic_store(&next_try_ns, 0);
}
