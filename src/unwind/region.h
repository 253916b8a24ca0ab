/* A thread's notes of stacks that are not its own: of coroutines, and alternate signal stacks.
 *
 *     a mapping of somebody's
 *   |------------------------------------------------|
 *         low [    sp ... frames ... outermost ] high
 *
 * Each region has a last stack of its own (splice.h), so that coroutines that take turns do not
 * push each other's out, nor the thread's. A region is found by the stack pointer; there are a few
 * for each thread, and the one that was used longest ago makes room. Such memory may be unmapped,
 * and mapped anew, at any time: before anything of it is read in a call, the kernel is asked about
 * each of its pages but the one that the call runs on.
 *
 * Owned by the thread, as its last stack is; private memory, mapped when the first call on another
 * stack comes. */
#ifndef HAK_UNWIND_REGION_H
#define HAK_UNWIND_REGION_H

#include "unwind/splice.h"

struct hak_region {
    uintptr_t low, high;        /* pages that stacks of it lay in; equal = nothing is known */
    uint32_t used;              /* all->region_clock when it was used last */
    uint32_t rests;             /* calls to come that are walked whole without a trial */
    uint32_t walked, met;       /* calls that were walked here; those that met frames of the last */
    struct hak_last_stack last; /* all of it lies in [low, high) */
};

/* The region that `stack_pointer` lies in, or NULL. */
HAK_IN_PLACE struct hak_region *hak_region_find(struct hak_thread_stacks *all,
                                                uintptr_t stack_pointer) {
    for (unsigned i = 0; i < HAK_REGIONS && all->region; i++)
        if (stack_pointer - all->region[i].low < all->region[i].high - all->region[i].low)
            return &all->region[i];
    return NULL;
}

/* A region for `stack_pointer`, which lies in none: one page, and no last stack. NULL: no memory.
 */
HAK_HIDDEN struct hak_region *hak_region_make(struct hak_thread_stacks *all,
                                              uintptr_t stack_pointer);

/* The memory that may be read in a call that runs at `stack_pointer`, up to `pages_more` pages
 * above the region as it was. The rest of the last stack can be read, too. errno is kept. */
HAK_HIDDEN struct hak_stack_bounds hak_region_open(struct hak_region *region,
                                                   uintptr_t stack_pointer, unsigned pages_more);

/* Settles the region where its last stack, which is whole, lies, from the page of `stack_pointer`
 * on; it takes the place of others that end where it does. */
HAK_HIDDEN void hak_region_settle(struct hak_thread_stacks *all, struct hak_region *region,
                                  uintptr_t stack_pointer);

/* Nothing of the last stacks holds any more. */
HAK_HIDDEN void hak_regions_forget(struct hak_thread_stacks *all);
HAK_HIDDEN void hak_regions_unmap(struct hak_thread_stacks *all);

#endif
