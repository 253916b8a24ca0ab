/* Makes room when a ring has none left in sight: claim, ring the bell, grow, wait, drop. */
#include "trace/ring/ring.h"
#include "hop.h"
#include "options.h"
#include "superslab.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "platform/block_signals.h"

enum {
    GROWTH = 4,             /* times the ring that was full */
    NO_RING_WAIT_MS = 2000, /* for the collector to give one back */
};

/* A signal handler may record between any two reads of these words. */
static uint64_t reserved_now(const struct hak_writer *w) {
    return *(const volatile uint64_t *)&w->reserved;
}
static uint64_t room_now(const struct hak_writer *w) {
    return *(const volatile uint64_t *)&w->room;
}

/* The tail, as far as it can be right for `reserved`: the collector's words are never trusted. With
 * a wrong tail the whole ring counts as taken. */
static uint64_t tail_for(const struct hak_writer *w, uint64_t reserved) {
    uint64_t tail = atomic_load_explicit(&w->ring->tail, memory_order_acquire);
    return reserved - tail <= w->mask + 1 ? tail : reserved - (w->mask + 1);
}

/* Records between the tail and the next position. */
static uint64_t own_used_records(const struct hak_writer *w) {
    uint64_t reserved = reserved_now(w);
    return reserved - tail_for(w, reserved);
}

/* Lets positions below `room` be taken. Nothing changes where the word is not `before` any more: a
 * handler has given other room since, perhaps of a larger ring, or has dropped an event. */
static void give_room(struct hak_writer *w, uint64_t before, uint64_t room) {
    (void)__atomic_compare_exchange_n(&w->room, &before, room, false, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED);
}

/* Tells of what was dropped. There must be room for the two records. A handler may have taken it;
 * then they are told of later. */
static void tell_loss(struct hak_writer *w) {
    if (w->loss.count == 0)
        return;
    uint64_t position;
    struct hak_event_fields loss = hak_ring_take_loss();
    if (loss.size != 0 && !hak_ring_write(&loss, &position)) {
        w->loss.from = loss.address;
        (void)__atomic_fetch_add(&w->loss.count, loss.size, __ATOMIC_RELAXED);
    }
}

/* Looks once for a ring of the calling thread's own, or else for one that it may share. NULL:
 * shared, or none. */
static struct hak_ring_entry *claim_or_share(struct hak_writer *w) {
    struct hak_ring_entry *ring = hak_ring_claim(hak_current.session->ring_bytes, false);
    if (!ring)
        ring = hak_ring_take_oldest();
    if (!ring && !w->shared && hak_ring_share_begin())
        w->thread_id = (uint32_t)hak_raw_call(SYS_gettid);
    return ring;
}

/* Gets the calling thread its first ring; false: none, though it may share one from now on. In a
 * handler, too, that interrupted a record before there was a ring: nothing was reserved for it. */
static bool claim_first(struct hak_writer *w) {
    uint64_t signals, now = hak_monotonic_ns();
    if (w->shared ? !hak_ring_share_may_end(now) : now < w->retry_ns)
        return false;
    hak_block_signals(&signals);
    if (w->ring) { /* a handler got it just before */
        hak_restore_signals(&signals);
        return true;
    }
    bool is_new = !w->shared;
    w->setting_up = 1;
    (void)hak_trace_thread(); /* draws the number now: that may wait, and a claim must not */
    hak_current_enter_claim();
    bool is_vain = w->retry_ns || hak_current.overwrites;
    uint64_t deadline = is_vain ? now : now + NO_RING_WAIT_MS * HAK_MILLISECOND_NS;
    struct hak_ring_entry *ring = claim_or_share(w);
    while (!ring && !w->shared && !hak_current.is_left && !hak_current_is_over() &&
           (now = hak_monotonic_ns()) < deadline) {
        uint32_t commits = atomic_load(&hak_current.session->commits);
        hak_current_await_commit(commits, HAK_RING_WAIT_SLICE_MS);
        ring = claim_or_share(w);
    }
    if (ring) {
        hak_ring_use(ring);
        hak_ring_share_end();
    }
    hak_current_leave_claim();
    if (is_new && (ring || w->shared)) {
        hak_ring_record_thread(HAK_THREAD_START);
        hak_thread_take_stack();
    }
    w->retry_ns = ring || w->shared ? 0 : now + HAK_RING_RETRY_MS * HAK_MILLISECOND_NS;
    w->setting_up = 0;
    hak_restore_signals(&signals);
    return ring != NULL;
}

/* Goes on in a ring GROWTH times as big. False: it is as big as it gets, or nothing is left. */
static bool grow(struct hak_writer *w) {
    uint64_t bytes = (w->mask + 1) * HAK_RECORD_BYTES;
    uint64_t most = hak_current.overwrites ? HAK_RING_FILE_BYTES : HAK_RING_MAX_BYTES;
    if (w->depth != 0 || w->setting_up || bytes >= most)
        return false;
    bytes = bytes * GROWTH < most ? bytes * GROWTH : most;
    uint64_t signals;
    hak_block_signals(&signals);
    hak_current_enter_claim();
    struct hak_ring_entry *old = w->ring, *more = hak_ring_claim(bytes, false);
    if (more) {
        old->next = (uint32_t)(more - hak_current.rings) + 1;
        hak_ring_use(more);
        atomic_fetch_sub_explicit(&old->lost, w->loss.count, memory_order_relaxed);
        atomic_fetch_add_explicit(&more->lost, w->loss.count, memory_order_relaxed);
        atomic_store_explicit(&old->state, HAK_RING_CLOSED, memory_order_release);
        hak_ring_doorbell(hak_current.session);
    }
    hak_current_leave_claim();
    hak_restore_signals(&signals);
    return more != NULL;
}

/* Waits until `count` records fit, bounded. False: given up. */
static bool wait_for_room(struct hak_writer *w, unsigned count) {
    uint64_t begin = hak_monotonic_ns();
    for (;;) {
        uint32_t commits = atomic_load(&hak_current.session->commits);
        if (own_used_records(w) + count <= w->mask + 1)
            return true;
        if (!hak_ring_wait_a_slice(commits, begin))
            return own_used_records(w) + count <= w->mask + 1;
    }
}

/* Gives the ring room as far as the tail says; between half full and full it is given in steps, so
 * that the bell rings again and a dead keeper is noticed. `before` is w->room from before the tail
 * was read. */
static void open_room(struct hak_writer *w, uint64_t before, uint64_t tail, unsigned count) {
    uint64_t capacity = w->mask + 1, reserved = reserved_now(w), used = reserved - tail;
    if (used + count > capacity)
        return; /* a handler has come in between and seen a newer tail: it is looked at again */
    if (used + count <= capacity / 2) {
        give_room(w, before, tail + capacity / 2);
        return;
    }
    uint64_t step = capacity / 8 > count ? capacity / 8 : count;
    hak_ring_doorbell(hak_current.session);
    hak_current_replace_collector(HAK_RING_DEAD_AFTER_MS);
    give_room(w, before, reserved + step < tail + capacity ? reserved + step : tail + capacity);
}

/* Claims the thread's first ring. False: it has none and gets none; the event is counted as lost or
 * goes another way. */
static bool without_ring(struct hak_writer *w) {
    if (w->ended)
        return false; /* hak_trace_record goes another way */
    if (!w->setting_up && !w->held && claim_first(w))
        return true;
    if (w->shared)
        return false; /* hak_ring_reserve goes another way here, too */
    atomic_fetch_add_explicit(&hak_current.process->lost_unringed, 1, memory_order_relaxed);
    return false;
}

void hak_ring_note_now(void) {
    struct hak_session *session = hak_current.session;
    session->monotonic_end_ns = hak_monotonic_ns();
    session->tsc_end = hak_ticks_now();
}

/* Gives the ring room where nobody reads: one that was filled once grows, as long as there are
 * extents; then its oldest records are written over. Room is given in steps, so that clock and TSC
 * are noted now and then. */
static void write_over_oldest(struct hak_writer *w, unsigned count) {
    uint64_t before = room_now(w), capacity = w->mask + 1, used = reserved_now(w) - w->ring->start;
    unsigned wanted = count + (w->loss.count ? 2 : 0);
    hak_ring_note_now();
    if (used + wanted > capacity && used <= 2 * capacity && grow(w))
        return;
    uint64_t step = capacity / 8 > wanted ? capacity / 8 : wanted;
    if (used < capacity && used + step > capacity && used + wanted <= capacity)
        step = capacity - used;
    give_room(w, before, reserved_now(w) + step);
    tell_loss(w);
}

bool hak_ring_make_room(unsigned count) {
    struct hak_writer *w = &hak_writer;
    if (!w->ring)
        return without_ring(w);
    if (hak_current.overwrites) {
        write_over_oldest(w, count);
        return true;
    }
    uint64_t before = room_now(w);
    uint64_t reserved = reserved_now(w), tail = tail_for(w, reserved), used = reserved - tail;
    unsigned wanted = count + (w->loss.count ? 2 : 0);
    if (w->loss.is_dropping && tail == w->loss.full_tail) {
        hak_ring_count_loss(HAK_LOSS_RING_FULL);
        return false;
    }
    if (used + wanted > w->mask + 1) {
        if (grow(w))
            return true;
        if (hak_options.trace_full == HAK_FULL_DROP || !wait_for_room(w, wanted)) {
            w->loss.is_dropping = true;
            reserved = reserved_now(w);
            w->loss.full_tail = tail_for(w, reserved);
            w->room = 0;
            hak_ring_count_loss(HAK_LOSS_RING_FULL);
            return false;
        }
        before = room_now(w);
        reserved = reserved_now(w);
        tail = tail_for(w, reserved);
    }
    w->loss.is_dropping = false;
    if (used + wanted > (w->mask + 1) / 2 && hak_ring_may_grow_early() && grow(w))
        return true;
    open_room(w, before, tail, wanted);
    tell_loss(w);
    return true;
}

void hak_ring_ask_for_nodes(void) {
    if (hak_current_ready())
        hak_ring_doorbell(hak_current.session);
}

bool hak_ring_wait_for_nodes(uint64_t *begin_ns) {
    if (hak_options.trace_full == HAK_FULL_DROP || !hak_current_ready())
        return false;
    if (*begin_ns == 0)
        *begin_ns = hak_monotonic_ns();
    return hak_ring_wait_a_slice(atomic_load(&hak_current.session->commits), *begin_ns);
}

void hak_ring_enter_child(void) {
    hak_ring_forget();
    hak_ring_forget_writers();
    hak_ring_share_forget();
    hak_ring_forget_kept();
    hak_writer.fork_number = 0;
    hak_writer.ended = 0;
}
