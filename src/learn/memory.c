/* Memory learning: decides when pages go back, and whether huge pages are asked for.
 *
 * Giving back. A free slab keeps its pages as long as the heap may need it. The fewest that there
 * were at any look of a window were not needed in it; after `patience` windows in a row their pages
 * go back. When more than a quarter of the slabs whose pages went back are taken again, that was
 * too early: patience doubles; when less than a sixteenth are, it halves. LEARN_ADVANCED does the
 * same with the delay after which the slabs give pages back by the clock.
 *
 * Huge pages. If most SuperSlabs of a heap are used to HAKMEM_MEM_LEARN_THRESHOLD, the pages
 * between the blocks are needed too: those of the heap and new ones ask for huge pages. If fewer
 * than a quarter are, they decline them. */
#include "front/front.h"
#include "learn/learner.h"
#include "options.h"
#include "platform/line.h"
#include "pool/pool.h"
#include "slab/tune.h"

enum {
    FIRST_PATIENCE = 4,
    MOST_PATIENCE = 1024,
    LEAST_SUPERSLABS = 8 /* of a heap that is large enough for huge pages */
};

/* The delay of the clock: from about 5 ms to about a second. */
#define LEAST_DELAY ((uint64_t)1 << 24)
#define MOST_DELAY  ((uint64_t)1 << 31)

static _Atomic bool has_huge_pages;

/* Says the change in a line on stderr. */
static void print_setting_change(enum hak_learn_setting setting, uint64_t value) {
    static const char *const words[] = {
#define LEARN_SETTING(name, number, text) [number] = text,
#include "learn/settings.h"
    };
    struct hak_line line = {.length = 0};
    hak_line_say(&line, "hakmem: learn: thread ", (uint64_t)hak_thread_id(), ": ");
    hak_line_add(&line, words[setting]);
    hak_line_say(&line, ": ", value, "");
    hak_line_end(&line);
}

/* Records that a setting changed, at HAKMEM_DEBUG_LEVEL 2 also on stderr; `value` below 2^32.
 * Returns 1, the number of changes. */
static unsigned note(enum hak_learn_setting setting, uint64_t value) {
    hop_note(HAK_LEARN, HAK_CLASS_NONE, NULL, (uint64_t)setting << 32 | value);
    if (hak_options.debug_level >= 2)
        print_setting_change(setting, value);
    return 1;
}

void hak_learn_look_at_memory(struct hak_learner *learner, const struct hak_heap *heap) {
    if (heap->dirty_slabs < learner->unused_slabs)
        learner->unused_slabs = heap->dirty_slabs;
}

/* ---- giving back ----------------------------------------------------------------------------- */

/* Sets how many quiet windows are waited for, if it is in bounds and new. Returns the number of
 * changes. */
static unsigned set_patience(struct hak_learner *learner, unsigned patience) {
    if (patience < 1 || patience > MOST_PATIENCE || patience == learner->patience)
        return 0;
    learner->patience = patience;
    return note(HAK_LEARN_PATIENCE, patience);
}

/* Sets the purge delay and notes it, if it is within bounds and another. Returns how many settings
 * changed: 1 or 0. */
static unsigned set_delay(uint64_t ticks) {
    uint64_t before = atomic_load_explicit(&hak_purge_delay_ticks, memory_order_relaxed);
    if (ticks < LEAST_DELAY || ticks > MOST_DELAY || ticks == before)
        return 0;
    hak_slab_set_purge_delay(ticks);
    return note(HAK_LEARN_PURGE_DELAY, ticks >> 20);
}

/* Judges by the window whether pages that went back were needed again, and sets patience and delay;
 * returns how many settings changed. */
static unsigned judge_purges(struct hak_learner *learner, const struct hak_memory_use *use) {
    uint64_t purged = use->slabs_purged - learner->purged;
    uint64_t retouched = use->slabs_retouched - learner->retouched;
    uint64_t delay = atomic_load_explicit(&hak_purge_delay_ticks, memory_order_relaxed);
    unsigned patience = learner->patience, changes = 0;
    learner->purged = use->slabs_purged;
    learner->retouched = use->slabs_retouched;
    bool was_early = retouched > purged / 4, was_right = purged > 0 && retouched <= purged / 16;
    if (was_early)
        changes += set_patience(learner, patience * 2);
    else if (was_right)
        changes += set_patience(learner, patience / 2);
    if (hak_options.learn_advanced && (was_early || was_right))
        changes += set_delay(was_early ? delay * 2 : delay / 2);
    return changes;
}

/* Gives pages of slabs back that were not needed in any of `patience` windows in a row. */
static void give_back(struct hak_learner *learner, struct hak_heap *heap) {
    bool is_quiet =
        learner->unused_slabs > HAK_KEPT_SLABS && learner->unused_slabs <= heap->dirty_slabs;
    learner->quiet = is_quiet ? learner->quiet + 1 : 0;
    if (learner->quiet >= learner->patience) {
        unsigned excess = learner->unused_slabs - HAK_KEPT_SLABS;
        learner->quiet = 0;
        (void)hak_slab_purge(heap, heap->dirty_slabs - excess);
    }
    learner->unused_slabs = heap->dirty_slabs;
}

/* ---- huge pages ------------------------------------------------------------------------------ */

/* Switches huge pages on or off for the heap and for new SuperSlabs, by how many SuperSlabs are
 * full. Returns the number of changes. */
static unsigned choose_pages(struct hak_heap *heap, const struct hak_memory_use *use) {
    bool is_on = atomic_load_explicit(&has_huge_pages, memory_order_relaxed);
    bool wants =
        is_on ? use->full_superslabs * 4 >= use->superslabs
              : use->superslabs >= LEAST_SUPERSLABS && use->full_superslabs * 2 > use->superslabs;
    if (wants == is_on)
        return 0;
    atomic_store_explicit(&has_huge_pages, wants, memory_order_relaxed);
    hak_pool_set_huge_pages(wants);
    hak_slab_advise_huge(heap, wants);
    return note(HAK_LEARN_HUGE_PAGES, wants);
}

/* A window is over: learns when pages go back and whether huge pages are asked for. Returns the
 * number of changes. */
unsigned hak_learn_memory(struct hak_learner *learner, struct hak_heap *heap) {
    struct hak_memory_use use;
    if (learner->patience == 0)
        learner->patience = FIRST_PATIENCE;
    hak_slab_measure(heap, hak_options.mem_learn_threshold, &use);
    unsigned changes = judge_purges(learner, &use);
    give_back(learner, heap);
    return changes + choose_pages(heap, &use);
}
