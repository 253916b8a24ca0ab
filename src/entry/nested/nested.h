/* Calls of the malloc family in a signal handler that interrupted another call of the same thread
 * there. POSIX does not allow them; programs make them, and damage that came of it would be ours.
 *
 * The thread's data (its arrays, caches, quarantine, chunks) may be half-changed, so a nested call
 * goes the way of a thread that has no heap:
 *
 *   malloc    the shared heap, under its lock; a large block has a mapping
 *   free      a block of any heap goes to that heap's mail box by itself; a large one to its layer
 *   realloc   both, or in place
 *
 *   hak_thread: | arrays, heap, OWN | --begin--> | none, SHARED | --end--> | arrays, heap, OWN |
 *
 * Where the interrupted call holds a lock that would be waited for, a block cannot be had (ENOMEM).
 * One that is given back then leaves the program, and its layer gets it when a thread comes to the
 * long way of malloc; beyond 64 such blocks it is lost, and counted.
 *
 * Debug build only; the plain one leaves such calls alone, as its fast paths know nothing of them.
 */
#ifndef HAK_ENTRY_NESTED_H
#define HAK_ENTRY_NESTED_H

#include <stdatomic.h>
#include "border.h"
#include "front/front.h"

/* The thread's state, which a nested call's end restores. Handlers interrupt handlers. */
struct hak_nested {
    struct hak_thread thread;
    bool is_nested;
};

/* Takes the calling thread's heap away until hak_nested_end, which gets `kept` back. False: it may
 * not take the locks of the layers. Only if hak_check_enter() is false. */
HAK_HIDDEN bool hak_nested_begin(struct hak_nested *kept);
HAK_HIDDEN void hak_nested_end(const struct hak_nested *kept);

/* hak_nested_begin of a call that gives back a slot, or a large block: it takes fewer locks. */
HAK_HIDDEN bool hak_nested_begin_give(struct hak_nested *kept, bool is_large);

/* Lets a block that has left the program wait for its layer until the call that is under way has
 * ended; beyond WAITING_MAX it is lost, and counted. */
HAK_HIDDEN void hak_nested_give_later(base_t base);

/* Gives the layers the blocks that wait, if hak_nested_some_wait. Call it without a lock. */
HAK_HIDDEN extern _Atomic bool hak_nested_some_wait;
HAK_HIDDEN HAK_COLD void hak_nested_give_waiting(void);

#endif
