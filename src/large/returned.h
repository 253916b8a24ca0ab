/* Blocks that were given back to a shard while another thread held it: a stack that many push, one
 * at a time, and that is taken as a whole.
 *
 *   push   next = head; head = block    compare-and-swap, release
 *   take   head = NULL                  exchange, acquire
 *
 * As it is only ever taken as a whole, a head that comes back meanwhile does no harm. Nobody waits.
 * A block pushed after the holder's last look stays until the shard is used next: so the pusher
 * looks whether the shard is free meanwhile, and the holder looks again after it has given the lock
 * back. Of the two one sees the other: both look with memory_order_seq_cst. */
#ifndef HAK_LARGE_RETURNED_H
#define HAK_LARGE_RETURNED_H

#include <stdatomic.h>
#include "large/large.h"

struct hak_returned {
    _Atomic(struct hak_large *) newest;
};

/* Any thread: pushes a block onto the list that the shard's holder takes in. */
static inline void hak_returned_push(struct hak_returned *returned, struct hak_large *large) {
    struct hak_large *newest = atomic_load_explicit(&returned->newest, memory_order_relaxed);
    do
        large->next = newest;
    while (!atomic_compare_exchange_weak_explicit(&returned->newest, &newest, large,
                                                  memory_order_seq_cst, memory_order_relaxed));
}

/* Everything, linked by `next`, the newest first. */
static inline struct hak_large *hak_returned_take(struct hak_returned *returned) {
    return atomic_exchange_explicit(&returned->newest, NULL, memory_order_acquire);
}

static inline bool hak_returned_is_empty(const struct hak_returned *returned) {
    return !atomic_load_explicit(&returned->newest, memory_order_seq_cst);
}

#endif
