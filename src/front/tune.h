/* Lets learning see and change a thread's fronts. All of it is for the calling thread, which has a
 * heap, but hak_front_look.
 *
 * A producer and a consumer need different capacities, so they are a thread's own; hak_plan_set
 * (plan.h) changes what the process gives to threads. With ALLOC_LEARN=1 arrays do not grow by
 * themselves. */
#ifndef HAK_FRONT_TUNE_H
#define HAK_FRONT_TUNE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"

/* Called every few slow paths of a thread, at a moment when its caches may change; NULL at first.
 * To be set before there is a second thread. */
HAK_HIDDEN extern void (*hak_front_look)(void);

/* Called at the end of each of a thread's periods, a tenth of a second and more apart (debug: 256
 * slow paths), for what lies beside the front and is to decay with it; NULL at first. To be set
 * before there is a second thread. */
HAK_HIDDEN extern void (*hak_front_at_period)(void);

/* A purge from outside (`hakmem-trace ctl PID set purge=now`): each thread gives back, at its next
 * period of slow paths after `asked` grew, what its caches and its heap can spare. The first one
 * also does hak_front_give_back (NULL at first), then sets `served`. */
struct hak_purge {
    _Atomic uint32_t asked, served;
};
HAK_HIDDEN extern struct hak_purge hak_purge;
HAK_HIDDEN extern size_t (*hak_front_give_back)(void);

/* A word of the caller's in the thread's block; NULL at first, and kept when the heap gets its next
 * thread. */
HAK_HIDDEN void **hak_front_learner(void);

/* Of the class's base front (array, mid ring, magazine, hot ring, SLL): its places, the blocks that
 * a refill moves, the blocks in it now. 0 where the class has none. */
HAK_HIDDEN unsigned hak_front_capacity(unsigned class_index);
HAK_HIDDEN unsigned hak_front_batch(unsigned class_index);
HAK_HIDDEN unsigned hak_front_blocks(unsigned class_index);

/* Blocks that came to the base front from the layer below it, and went there, since the thread
 * began; they wrap. */
HAK_HIDDEN uint32_t hak_front_refilled(unsigned class_index);
HAK_HIDDEN uint32_t hak_front_spilled(unsigned class_index);

/* Gives all but `blocks` of the blocks in the base front to the slabs; its capacity stays. */
HAK_HIDDEN void hak_front_keep(unsigned class_index, unsigned blocks);

/* Gives the base front `capacity` places and refills of `batch` blocks (0: half), as far as
 * possible; blocks that do not fit spill. It does not grow by itself from then on. Returns the
 * capacity that holds. One CAPACITY note where it changed. */
HAK_HIDDEN unsigned hak_front_resize(unsigned class_index, unsigned capacity, unsigned batch);

#endif
