/* Declarations that stacks.c, walk.c and of_call.c share: nobody else needs them.
 *
 *   stacks.c        the session's nodes of stacks, and ids of them
 *   walk.c          a walk by the thread's last stack, and the ids of its frames
 *   of_call.c       calls of the program, most of which need no walk
 */
#ifndef HAK_TRACE_STACK_WALK_H
#define HAK_TRACE_STACK_WALK_H

#include "trace/stacks/table.h"
#include "trace/stacks/stacks.h"
#include "unwind/splice.h"

enum {
    HAK_STACK_DEPTH_MAX = 256,
    HAK_STACK_OWN_FRAMES_MAX = 24 /* frames of hakmem that may lie above the program's */
};

/* The setup that hak_stacks_start was given; depth 0 before. */
HAK_HIDDEN extern struct hak_stacks_setup hak_stacks_now;
HAK_HIDDEN extern uint32_t hak_stacks_starts; /* how often it was called */

/* A new node at the end of the array, or the equal one that was faster; 0 when there is no room. */
HAK_HIDDEN uint32_t hak_stacks_append(uint32_t parent, uintptr_t ip);

/* Of the rules, ids and modules of now. */
HAK_IN_PLACE uint64_t hak_stacks_version(void) {
    return (uint64_t)hak_stacks_starts + hak_modules_generation(); /* both only grow */
}

/* A stack on its way to its id. */
struct hak_taken_stack {
    bool keep_own_frames;
    uint8_t flags;    /* of enum hak_record_flags */
    uintptr_t caller; /* ip of the program's innermost frame */
};

/* The calling thread's memory for stacks of now; NULL: it has none. */
HAK_HIDDEN struct hak_thread_stacks *hak_stack_thread(void);

/* The frames of the last stack that need not be compared: of a deep one, as many as are surely cut.
 */
HAK_HIDDEN uint32_t hak_stack_not_compared(const struct hak_last_stack *last);

/* Walks the stack from `place` by the last one, of which the first `stands` frames stand when the
 * first `compared` do, and makes it the last one, with ids, as far as there are nodes. False: it
 * has to be walked whole. Adds to `flags`. */
HAK_HIDDEN bool hak_stack_walk(struct hak_thread_stacks *all, const struct hak_walk_place *place,
                               uint32_t compared, uint32_t stands, uint8_t *flags);

/* The node of a stack that was walked; 0: there was no room for it. The frames further out that
 * have theirs are kept all the same, so that the next call need not walk them. */
HAK_IN_PLACE uint32_t hak_stack_id(const struct hak_last_stack *last) {
    return last->is_cut || last->count == 0 ? 0 : last->frame[last->count - 1].id;
}

/* The same from `from`, a place off the thread's own stack, which may still lie in frames of
 * hakmem, by the last stack of its region (unwind/region.h): fills in `taken` and `id`. CANNOT: it
 * has to be walked whole. NO_ROOM: there was none for its nodes. */
enum hak_region_walk { HAK_REGION_CANNOT, HAK_REGION_WALKED, HAK_REGION_NO_ROOM };

/* Walks a call's stack by the region that it lies in, made if it is new; `*id` is its stack.
 * CANNOT: there is no region, or the walk failed and rests for some calls; NO_ROOM: no node is
 * left. */
HAK_HIDDEN enum hak_region_walk hak_stack_walk_region(struct hak_thread_stacks *all,
                                                      const struct hak_walk_place *from,
                                                      struct hak_taken_stack *taken, uint32_t *id);

/* Walks the whole stack of the caller, and gives its id. */
HAK_HIDDEN uint32_t hak_stack_walk_whole(struct hak_taken_stack *taken);

/* Whether the caller is a handler that interrupted a walk on this thread. `own` functions of the
 * unwinder stand between it and the caller. */
HAK_HIDDEN bool hak_stack_is_interrupting(size_t own);

/* Whether rsp, where `place` stands, lies on the part of the thread's own stack that is known to be
 * readable. */
HAK_IN_PLACE bool hak_stack_is_own(const struct hak_walk_place *place) {
    if (HAK_LIKELY(hak_is_in_stack_bounds(&hak_stack_bounds, place->sp)))
        return true;
    struct hak_stack_memory memory;
    hak_stack_memory_begin(&memory, place->sp);
    return memory.span != 0;
}

#endif
