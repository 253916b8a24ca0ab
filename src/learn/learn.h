/* Learning: sizes of the fronts and the giving back of memory follow what a thread did lately.
 *
 *   a thread's slow path --every 16th--> hak_front_look = look (learn.c)
 *                                          |
 *            blocks that its fronts moved since: is a window over?
 *              HAKMEM_ALLOC_LEARN_WINDOW --> allocation.c --> hak_front_resize    capacity, batch
 *              HAKMEM_MEM_LEARN_WINDOW ----> memory.c ------> hak_slab_purge      free slabs' pages
 *                                                       +---> hak_pool_set_huge_pages
 *                                                       +---> hak_slab_set_purge_delay
 *
 * Nothing is counted on the fast paths. A call that the arrays serve is not seen, so a window is at
 * least as many calls as asked for: it is counted in blocks that moved between a front and the
 * slabs. A thread whose arrays serve all its calls has nothing to learn from, and makes no window.
 *
 * Ownership: a struct hak_learner belongs to the thread (it stays with its heap for the heap's next
 * thread), so there is no lock. Huge pages and the purge delay are settings of the process: single
 * atomic words, the last writer wins.
 *
 * After a fork the child goes on with its own thread's learner. Those of threads that are not there
 * may be half-written; they hold numbers only, and any number does no more than a strange first
 * window.
 *
 * May call: front, slab, pool, platform. Docs: docs/specs/learning.md. */
#ifndef HAK_LEARN_LEARN_H
#define HAK_LEARN_LEARN_H

#include <stdint.h>
#include "block.h"

/* Starts what the options ask for. Once, after hak_options_read and before the first thread has a
 * front. */
HAK_HIDDEN HAK_COLD void hak_learn_start(void);

/* Figures of learning so far in this process. */
struct hak_learned {
    uint64_t windows, changes;
};
HAK_HIDDEN void hak_learn_figures(struct hak_learned *figures);

#endif
