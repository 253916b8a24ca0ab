/* The budget of a check for work that the program does not need: a credit at the start, then a
 * share of what passes, saved up to a bound. Charges are measured after they were made, so they may
 * overdraw it; nothing is spent then until enough has passed.
 *
 *   ......... 0 ......... left ............ most
 *             <-- charge      earn -->
 *   overdrawn |       may be spent
 *
 * The unit is the caller's: ticks of the time stamp counter, calls. Spenders:
 *
 *   guard/pages.c         a thread's system calls that close pages
 *   watch/turns.c         moves of debug registers
 *   trace/stacks/walk.c   new nodes, where nobody is recorded
 *
 * Any thread and signal handler; what two threads charge or earn at once is not lost. */
#ifndef HAK_PLATFORM_CREDIT_H
#define HAK_PLATFORM_CREDIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct hak_credit_terms {
    int64_t most;    /* saved up */
    int64_t dearest; /* one charge at most: for what is more, the thread was not running */
    uint32_t share;  /* one in so many of what passes is earned */
};

struct hak_credit {
    _Atomic int64_t left; /* may be spent where it is above 0 */
};

static inline int64_t hak_credit_left(const struct hak_credit *credit) {
    return atomic_load_explicit(&credit->left, memory_order_relaxed);
}

static inline void hak_credit_charge(struct hak_credit *credit,
                                     const struct hak_credit_terms *terms, uint64_t amount) {
    int64_t charged = amount < (uint64_t)terms->dearest ? (int64_t)amount : terms->dearest;
    atomic_fetch_sub_explicit(&credit->left, charged, memory_order_relaxed);
}

/* Adds what is earned by `passed`, the time or calls since the last earning, up to the most.
 * Returns how much of that counted: the rest is too little to earn anything, and counts the next
 * time. */
static inline uint64_t hak_credit_earn(struct hak_credit *credit,
                                       const struct hak_credit_terms *terms, uint64_t passed) {
    uint64_t earned = passed / terms->share;
    int64_t left = atomic_load_explicit(&credit->left, memory_order_relaxed), then;
    do {
        then = terms->most;
        if (left < then && earned < (uint64_t)(then - left))
            then = left + (int64_t)earned;
    } while (!atomic_compare_exchange_weak_explicit(&credit->left, &left, then,
                                                    memory_order_relaxed, memory_order_relaxed));
    return earned * terms->share;
}

#endif
