/* Counts windows: called by a thread's slow paths; acts when a window is over. */
#include "learn/learn.h"

#include <stdatomic.h>
#include "front/front.h"
#include "learn/learner.h"
#include "options.h"

/* Blocks that move in a look's slow paths, about: how many looks a window may still take without
 * counting. */
enum { BLOCKS_OF_A_LOOK = 512 };

static _Atomic uint64_t windows_seen, changes_made;

/* The thread's learner, made at its first look; NULL without memory: nothing is learned then. */
static struct hak_learner *own_learner(void) {
    void **learner = hak_front_learner();
    if (!*learner) {
        *learner = hak_map(HAK_PAGES_OF(sizeof(struct hak_learner)));
        if (*learner)
            ((struct hak_learner *)*learner)->unused_slabs = UINT32_MAX;
    }
    return *learner;
}

/* Blocks that this thread's fronts refilled and spilled in all its life. */
static uint32_t count_moved(void) {
    uint32_t moved = 0;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        moved += hak_front_refilled(c) + hak_front_spilled(c);
    return moved;
}

/* Whether this window has `due` blocks or more; if so, the next one begins at 0. */
static bool is_over(uint32_t *window, uint64_t due) {
    bool over = *window >= due;
    if (over)
        *window = 0;
    return over;
}

/* Counts an ended window and the changes it made, for the summary and the metrics. */
static void count_window(unsigned changes) {
    atomic_fetch_add_explicit(&windows_seen, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&changes_made, changes, memory_order_relaxed);
    hop_count(HAK_COUNTED_LEARN_WINDOW, HAK_CLASS_NONE, changes);
}

/* The rest of a window, in looks that need not count. */
static uint32_t looks_to(uint32_t window, uint64_t due) {
    return window < due ? (uint32_t)((due - window) / BLOCKS_OF_A_LOOK) : 0;
}

/* Counts the blocks moved since the last call, runs each learner (allocation, memory) that is
 * switched on and has moved a window's blocks, and guesses how many looks the next one takes. */
static void end_windows(struct hak_learner *learner) {
    uint32_t moved = count_moved(), since = moved - learner->moved;
    learner->moved = moved;
    learner->looks_to_wait = UINT32_MAX;
    if (hak_options.alloc_learn) {
        learner->alloc_window += since;
        if (is_over(&learner->alloc_window, hak_options.alloc_learn_window))
            count_window(hak_learn_allocation(learner));
        learner->looks_to_wait = looks_to(learner->alloc_window, hak_options.alloc_learn_window);
    }
    if (hak_options.mem_learn) {
        learner->mem_window += since;
        if (is_over(&learner->mem_window, hak_options.mem_learn_window))
            count_window(hak_learn_memory(learner, hak_thread.heap));
        uint32_t looks = looks_to(learner->mem_window, hak_options.mem_learn_window);
        if (looks < learner->looks_to_wait)
            learner->looks_to_wait = looks;
    }
}

/* Called at each look of the front: notes the memory in use, and at times ends windows. */
static void look(void) {
    struct hak_learner *learner = own_learner();
    if (!learner)
        return;
    if (hak_options.mem_learn)
        hak_learn_look_at_memory(learner, hak_thread.heap);
    if (learner->looks_to_wait > 0)
        learner->looks_to_wait--;
    else
        end_windows(learner);
}

void hak_learn_start(void) {
    if (hak_options.alloc_learn || hak_options.mem_learn)
        hak_front_look = look;
}

void hak_learn_figures(struct hak_learned *figures) {
    figures->windows = atomic_load_explicit(&windows_seen, memory_order_relaxed);
    figures->changes = atomic_load_explicit(&changes_made, memory_order_relaxed);
}
