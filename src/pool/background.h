/* The word between slow paths and the thread of HAKMEM_BACKGROUND (src/background), for pool and
 * slab: whether it is there, and how it learns that there is something to give back.
 *
 *   absent --begins--> awake --nothing to do--> asleep --hak_background_call--> awake
 *      ^                 |
 *      +------ends-------+
 *
 * While it is absent, callers give memory back by themselves; else they leave that to it.
 *
 * Order of stores: who leaves something looks at the word after that, and the thread looks for
 * something left after it wrote "asleep", in one order (seq_cst): one of the two sees the other.
 *
 * Thread and signal safety: no lock; any thread, any signal handler. */
#ifndef HAK_POOL_BACKGROUND_H
#define HAK_POOL_BACKGROUND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "block.h"

enum hak_background_word { HAK_BACKGROUND_ABSENT, HAK_BACKGROUND_AWAKE, HAK_BACKGROUND_ASLEEP };

/* Whether the thread may begin: not at all; when there is something to give back; now, as there
 * is. A begin that is under way counts as not at all. */
enum hak_background_begin { HAK_BACKGROUND_NEVER, HAK_BACKGROUND_LATER, HAK_BACKGROUND_NOW };

HAK_HIDDEN extern _Atomic uint32_t hak_background_word;
HAK_HIDDEN extern _Atomic uint32_t hak_background_begin;

/* Reads 0 in the child of a clone that no handler of fork saw: the thread is not there, whatever
 * the word says. Set before the word says that it is. */
HAK_HIDDEN extern const _Atomic uint32_t *hak_background_alive;

/* Addresses whose pages the thread has given back, in bytes; and how often it could not begin. */
HAK_HIDDEN extern _Atomic uint64_t hak_background_bytes;
HAK_HIDDEN extern _Atomic uint32_t hak_background_failures;

static inline bool hak_background_is_there(void) {
    return HAK_UNLIKELY(atomic_load_explicit(&hak_background_word, memory_order_acquire) !=
                        HAK_BACKGROUND_ABSENT) &&
           atomic_load_explicit(hak_background_alive, memory_order_relaxed) != 0;
}

/* Whether this is the child of such a clone, and the thread the parent's. */
static inline bool hak_background_is_parents(void) {
    return atomic_load_explicit(&hak_background_word, memory_order_acquire) !=
               HAK_BACKGROUND_ABSENT &&
           atomic_load_explicit(hak_background_alive, memory_order_relaxed) == 0;
}

/* Whether a slow path is to begin the thread at its end. */
static inline bool hak_background_is_due(void) {
    return HAK_UNLIKELY(atomic_load_explicit(&hak_background_begin, memory_order_relaxed) ==
                        HAK_BACKGROUND_NOW);
}

/* There is something to give back: wakes the thread where it sleeps; where it is not there but may
 * be, it is to begin. */
HAK_HIDDEN HAK_COLD void hak_background_call(void);

/* On the thread: sleeps until it is called, for `rest_ns` nanoseconds at most (0: however long that
 * takes), unless `has_work` says that there is something. Both are asked after the word says
 * "asleep". May return early. */
HAK_HIDDEN void hak_background_rest(bool (*has_work)(void), uint64_t (*rest_ns)(void));

#endif
