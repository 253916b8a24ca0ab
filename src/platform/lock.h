/* A lock of eight bytes that sleeps on a futex; it is held over fork by entry's fork handlers.
 *
 * `holder` is 0 while it is free, else the thread that holds it, with bit 0 when somebody may sleep
 * (after Drepper, "Futexes are tricky", 2011, mutex 3). No error checks: sections are a few lines
 * and never call out of the layer.
 *
 * A signal handler may fork while its thread is in the middle of a section. The fork's handlers
 * then leave that lock to the code that was interrupted, in the parent and in the child: nobody
 * else could give it back.
 *
 * Ranks, from the first taken to the last: shared heap, heaps, pool, growth and shards of L2.5,
 * held mappings, the large layer's memory, chunks. */
#ifndef HAK_PLATFORM_LOCK_H
#define HAK_PLATFORM_LOCK_H

#include <stdatomic.h>
#include "platform/platform.h"

struct hak_lock {
    _Atomic uint32_t holder;
    uint32_t forks; /* of the holder's own, that found it held; the holder alone looks at it */
};

enum { HAK_LOCK_SLEEPERS = 1 };

/* The calling thread: from the address of its thread control block, of which two are never nearer
 * than 64 bytes; unique within 128 GiB. */
static inline uint32_t hak_lock_self(void) {
    uintptr_t block;
    __asm__("movq %%fs:0, %0" : "=r"(block));
    uint32_t self = (uint32_t)(block >> 6) << 1;
    return self ? self : 2;
}

static inline void hak_lock(struct hak_lock *lock) {
    uint32_t seen = 0, self = hak_lock_self();
    if (atomic_compare_exchange_strong_explicit(&lock->holder, &seen, self, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    for (;;) {
        uint32_t with_sleepers = seen | HAK_LOCK_SLEEPERS;
        if (seen == 0) {
            /* Others may sleep that this thread knows nothing of. */
            if (atomic_compare_exchange_strong_explicit(&lock->holder, &seen,
                                                        self | HAK_LOCK_SLEEPERS,
                                                        memory_order_acquire, memory_order_relaxed))
                return;
        } else if (seen == with_sleepers || atomic_compare_exchange_strong_explicit(
                                                &lock->holder, &seen, with_sleepers,
                                                memory_order_relaxed, memory_order_relaxed)) {
            hak_futex_wait(&lock->holder, with_sleepers);
            seen = atomic_load_explicit(&lock->holder, memory_order_relaxed);
        }
    }
}

/* Takes the lock if it is free. */
static inline bool hak_try_lock(struct hak_lock *lock) {
    uint32_t seen = 0;
    return atomic_compare_exchange_strong_explicit(&lock->holder, &seen, hak_lock_self(),
                                                   memory_order_acquire, memory_order_relaxed);
}

static inline void hak_unlock(struct hak_lock *lock) {
    if (atomic_exchange_explicit(&lock->holder, 0, memory_order_release) & HAK_LOCK_SLEEPERS)
        hak_futex_wake(&lock->holder, 1);
}

/* Before a fork: takes the lock, unless this thread has it already. */
static inline void hak_lock_for_fork(struct hak_lock *lock) {
    uint32_t seen = atomic_load_explicit(&lock->holder, memory_order_relaxed);
    if ((seen & ~(uint32_t)HAK_LOCK_SLEEPERS) == hak_lock_self())
        lock->forks++;
    else
        hak_lock(lock);
}

/* After it, in the parent and in the child: undoes hak_lock_for_fork. */
static inline void hak_unlock_after_fork(struct hak_lock *lock) {
    if (lock->forks > 0)
        lock->forks--;
    else
        hak_unlock(lock);
}

#endif
