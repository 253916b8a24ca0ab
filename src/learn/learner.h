/* Data that a thread learns from: figures of its last windows. For learn/ only. */
#ifndef HAK_LEARN_LEARNER_H
#define HAK_LEARN_LEARNER_H

#include "front/tune.h"
#include "hop.h"
#include "learn/learn.h"
#include "slab/tune.h"

enum hak_learn_setting {
#define LEARN_SETTING(name, number, words) HAK_LEARN_##name = number,
#include "learn/settings.h"
};

struct hak_learner {
    uint32_t looks_to_wait; /* before the next one that counts */
    uint32_t moved;         /* blocks that went into and out of all fronts, at the last of these */
    uint32_t alloc_window;  /* of them, since the last window for allocation began */
    uint32_t mem_window;    /* the same for memory */

    /* Of each class at the end of the last window: blocks moved so far, blocks that lay there. */
    uint32_t refilled[HAK_CLASSES], spilled[HAK_CLASSES];
    uint16_t blocks[HAK_CLASSES];
    uint8_t idle[HAK_CLASSES]; /* windows in a row in which the front lay as it lay */

    unsigned unused_slabs; /* the fewest free slabs with pages that any look of this window found */
    unsigned quiet;        /* windows in a row in which free slabs were not needed */
    unsigned patience;     /* so many of them, and the slabs' pages go back */
    uint64_t purged, retouched; /* of the heap, at the end of the last window */
};

/* allocation.c: sets all classes' fronts anew when a window for allocation is over. Returns how
 * many were changed. */
HAK_HIDDEN unsigned hak_learn_allocation(struct hak_learner *learner);

/* memory.c: at each look; and when a window for memory is over. Returns how many settings changed.
 */
HAK_HIDDEN void hak_learn_look_at_memory(struct hak_learner *learner, const struct hak_heap *heap);
HAK_HIDDEN unsigned hak_learn_memory(struct hak_learner *learner, struct hak_heap *heap);

#endif
