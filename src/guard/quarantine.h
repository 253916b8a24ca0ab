/* The ring in which a thread keeps the blocks that its program gave back; quarantine.c has the
 * picture. Only that file and path.c, which puts blocks in, know what it is made of. */
#ifndef HAK_GUARD_QUARANTINE_H
#define HAK_GUARD_QUARANTINE_H

#include <stdatomic.h>
#include "guard/guard.h"

/* A block that waits, and its state. */
struct hak_kept_block {
    base_t base;
    struct hak_slot *slot;
};

struct hak_quarantine {
    struct hak_quarantine *next; /* of all there are; never changes */
    _Atomic uint32_t state;
    uint32_t mask;       /* places - 1 */
    uint32_t head, tail; /* blocks that came out, and went in, since the start */
    size_t bytes;        /* that count against the bound */
    /* With more than that it is over; then blocks leave until it has no more than the lower ones.
     */
    uint32_t most_blocks, less_blocks;
    size_t most_bytes, less_bytes;
    struct hak_quarantined holds;
    struct hak_kept_block places[];
};

/* The calling thread's; NULL: it has none yet. */
HAK_HIDDEN extern _Thread_local struct hak_quarantine *hak_quarantine
    __attribute__((tls_model("initial-exec")));

static inline bool hak_quarantine_is_over(const struct hak_quarantine *ring) {
    return ring->tail - ring->head > ring->most_blocks || ring->bytes > ring->most_bytes;
}

/* Puts the block in as the newest. The ring has a place free. */
static inline void hak_quarantine_push(struct hak_quarantine *ring, char *base,
                                       struct hak_slot *slot) {
    ring->places[ring->tail & ring->mask] = (struct hak_kept_block){base_from(base), slot};
    atomic_signal_fence(memory_order_release); /* a fork may come in between */
    ring->tail++;
}

#endif
