/* A lock of four bytes that sleeps on a futex; it is held over fork by entry's fork handlers.
 *
 * States: 0 free, 1 held, 2 held and somebody may sleep (Drepper, "Futexes are tricky", 2011, mutex
 * 3). No error checks and no owner: sections are a few lines and never call out of the layer.
 *
 * Ranks, from the first taken to the last: shared heap, heaps, pool, large shards, chunks. */
#ifndef HAK_PLATFORM_LOCK_H
#define HAK_PLATFORM_LOCK_H

#include <stdatomic.h>
#include "platform/platform.h"

struct hak_lock {
    _Atomic uint32_t state;
};

static inline void hak_lock(struct hak_lock *lock) {
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong_explicit(&lock->state, &seen, 1, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0)
        hak_futex_wait(&lock->state, 2);
}

static inline void hak_unlock(struct hak_lock *lock) {
    if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2)
        hak_futex_wake(&lock->state, 1);
}

#endif
