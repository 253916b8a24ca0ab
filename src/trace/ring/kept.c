/* The ring of a process that events never write over, in a file that nobody reads yet: the places
 * of code must still be known when the first rounds of all other rings are gone.
 *
 * Written under a lock that nobody waits for: a thread that does not get it writes into its own
 * ring. When it is full another one is claimed. */
#include "trace/ring/ring.h"
#include "hop.h"
#include "superslab.h"
#include "trace/trace.h"
#include "platform/block_signals.h"

enum {
    LARGEST_RECORDS = 1 + (HAK_PAYLOAD_MAX + HAK_CONTINUATION_BYTES - 1) / HAK_CONTINUATION_BYTES
};

static _Atomic uint32_t is_held;
static struct hak_ring_entry *kept;     /* under the lock */
static struct hak_ring_entry *own_ring; /* the lock holder's */
static uint64_t signals_before;

static bool has_room(const struct hak_ring_entry *ring) {
    uint64_t used = atomic_load_explicit(&ring->head, memory_order_relaxed) - ring->start;
    return used + LARGEST_RECORDS <= ring->capacity;
}

/* The kept ring to write to: the one there is, a new one, or the oldest closed one of another use;
 * NULL when there is none left. */
static struct hak_ring_entry *ready_ring(void) {
    if (kept && has_room(kept))
        return kept;
    hak_current_enter_claim();
    struct hak_ring_entry *more = hak_ring_claim(HAK_EXTENT_BYTES, true);
    if (!more)
        more = hak_ring_take_oldest();
    if (more && !has_room(more)) { /* smaller than the smallest that is useful */
        atomic_store(&more->state, HAK_RING_CLOSED);
        more = NULL;
    }
    if (more) {
        more->is_kept = 1;
        if (kept)
            atomic_store_explicit(&kept->state, HAK_RING_CLOSED, memory_order_release);
        kept = more;
    }
    hak_current_leave_claim();
    return more;
}

bool hak_ring_begin_kept(void) {
    uint64_t before;
    hak_block_signals(&before);
    struct hak_ring_entry *ring = NULL;
    if (atomic_exchange(&is_held, 1) == 0) {
        ring = ready_ring();
        if (!ring)
            atomic_store(&is_held, 0);
    }
    if (!ring) {
        hak_restore_signals(&before);
        return false;
    }
    signals_before = before;
    own_ring = hak_writer.ring;
    hak_ring_use(ring);
    return true;
}

void hak_ring_end_kept(void) {
    uint64_t before = signals_before;
    hak_ring_use(own_ring);
    hak_writer.room = 0; /* it may be nearly full, and is to grow then */
    atomic_store(&is_held, 0);
    hak_restore_signals(&before);
}

void hak_ring_forget_kept(void) {
    kept = NULL;
    atomic_store(&is_held, 0);
}
