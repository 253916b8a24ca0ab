/* A lock of four bytes that sleeps on a futex.
 *
 * `holder` is 0 while it is free, else the thread that holds it, with bit 0 when somebody may sleep
 * (after Drepper, "Futexes are tricky", 2011, mutex 3). No error checks: sections are a few lines
 * and never call out of the layer.
 *
 * Fork takes none of them: between its handlers and the system call it waits for locks of libc's,
 * whose holders may wait for malloc. So the child may find a lock held by a thread that is not
 * there. It takes the lock from that thread (hak_lock_was_left) and makes anew what the lock
 * guards, or gives it up. Each section says what the child can believe: it sees all that the thread
 * stored up to some instruction, and nothing after it.
 *
 * A signal handler may fork while its own thread is in the middle of a section. That lock stays
 * held, in the parent and in the child: the code that was interrupted gives it back.
 *
 * Ranks, from the first taken to the last: shared heap, heaps, registry, growth and shards of L2.5,
 * held mappings, slots of guarded blocks, the large layer's memory, chunks. */
#ifndef HAK_PLATFORM_LOCK_H
#define HAK_PLATFORM_LOCK_H

#include <stdatomic.h>
#include "platform/platform.h"

struct hak_lock {
    _Atomic uint32_t holder;
};

enum { HAK_LOCK_SLEEPERS = 1 };

/* The calling thread: from the address of its thread control block, of which two are never nearer
 * than 64 bytes; unique within 128 GiB. */
static inline uint32_t hak_lock_self(void) {
    uintptr_t block = hak_thread_pointer();
    uint32_t self = (uint32_t)(block >> 6) << 1;
    return self ? self : 2;
}

/* One turn of the wait for a lock that `seen` held last: takes it, and returns true, or sleeps
 * while another thread holds it, at most `most_ns` (0 = until it is woken). `seen` is the holder
 * then. */
static inline bool hak_lock_turn(struct hak_lock *lock, uint32_t *seen, uint64_t most_ns) {
    uint32_t self = hak_lock_self(), with_sleepers = *seen | HAK_LOCK_SLEEPERS;
    /* Others may sleep that this thread knows nothing of. */
    if (*seen == 0)
        return atomic_compare_exchange_strong_explicit(&lock->holder, seen,
                                                       self | HAK_LOCK_SLEEPERS,
                                                       memory_order_acquire, memory_order_relaxed);
    if (*seen == with_sleepers ||
        atomic_compare_exchange_strong_explicit(&lock->holder, seen, with_sleepers,
                                                memory_order_relaxed, memory_order_relaxed)) {
        if (most_ns)
            hak_futex_wait_for(&lock->holder, with_sleepers, most_ns);
        else
            hak_futex_wait(&lock->holder, with_sleepers);
        *seen = atomic_load_explicit(&lock->holder, memory_order_relaxed);
    }
    return false;
}

/* Waits for the lock, on a futex where another thread holds it. A thread must not hold it already.
 */
static inline void hak_lock(struct hak_lock *lock) {
    uint32_t seen = 0, self = hak_lock_self();
    if (atomic_compare_exchange_strong_explicit(&lock->holder, &seen, self, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    while (!hak_lock_turn(lock, &seen, 0))
        ;
}

/* True in a signal handler that interrupted its own thread while that held the lock. */
static inline bool hak_lock_is_mine(struct hak_lock *lock) {
    uint32_t holder = atomic_load_explicit(&lock->holder, memory_order_relaxed);
    return (holder & ~(uint32_t)HAK_LOCK_SLEEPERS) == hak_lock_self();
}

/* Whether another thread may wait for the lock, which this one holds. */
static inline bool hak_lock_has_sleepers(struct hak_lock *lock) {
    return (atomic_load_explicit(&lock->holder, memory_order_relaxed) & HAK_LOCK_SLEEPERS) != 0;
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

/* Frees, in the child of a fork, on its only thread, a lock that a thread which is not there held:
 * true then, and what it guards may be half-changed. */
static inline bool hak_lock_was_left(struct hak_lock *lock) {
    uint32_t holder = atomic_load_explicit(&lock->holder, memory_order_relaxed);
    holder &= ~(uint32_t)HAK_LOCK_SLEEPERS;
    if (holder == 0 || holder == hak_lock_self())
        return false;
    atomic_store_explicit(&lock->holder, 0, memory_order_relaxed);
    return true;
}

#endif
