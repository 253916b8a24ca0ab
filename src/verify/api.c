/* The functions of hakmem.h: what a program may ask beyond malloc and its family. */
#include "hakmem.h"

#include "border.h"
#include "front/figures.h"
#include "front/front.h"
#include "large/large.h"
#include "large/totals.h"
#include "light.h"
#include "pool/background.h"
#include "verify/verify.h"

/* Of the other half of hakmem-debug.so (light.h); unit tests have none. */
HAK_HIDDEN size_t light_hak_verify(void) __attribute__((weak));
HAK_HIDDEN size_t light_hak_read_stats(struct hak_stats *stats, size_t bytes) __attribute__((weak));
HAK_HIDDEN size_t light_hak_read_class_stats(unsigned class_index, struct hak_class_stats *stats,
                                             size_t bytes) __attribute__((weak));

/* Compares all structures and sweeps the blocks' borders: prints what is wrong and returns how
 * much. */
HAK_EXPORT size_t hak_verify(void) {
    if (hak_light_serves())
        return light_hak_verify() + check_sweep();
    uintptr_t ear = hak_tags_begin_own();
    size_t disagreements = hak_verify_all();
    hak_tags_end_own(ear);
    return disagreements + check_sweep();
}

HAK_EXPORT void hak_mark(const char *name) {
    if (name)
        check_mark(name);
}

HAK_EXPORT void hak_pool_name(const void *block, const char *name) {
    if (block && name)
        check_pool_name(hak_untagged(block), name);
}

/* The heap whose memory holds the pointer, HAK_OWNER_OF_LARGE, or 0: not hakmem's. */
HAK_EXPORT unsigned hak_owner(const void *pointer) {
    if (hak_light_serves() && !hak_light_covers(pointer))
        return light_hak_owner(pointer);
    pointer = hak_untagged(pointer);
    hak_owner_t owner = hak_registry_owner(pointer);
    if (owner == HAK_OWNER_RESERVE)
        return 0;
    if (owner != HAK_OWNER_NOBODY)
        return owner;
    return pointer && hak_large_containing(pointer) ? HAK_OWNER_OF_LARGE : 0;
}

/* ---- figures --------------------------------------------------------------------------------- */

/* Fills in what the half that serves the program knows. */
static void take_stats(struct hak_stats *now, const struct hak_large_figures *large) {
    struct hak_figures figures;
    hak_figures_take(&figures);
    now->large_blocks = large->live_blocks;
    now->large_bytes = large->live_bytes;
    now->mapped_bytes = figures.superslab_bytes + now->large_bytes;
    now->live_bytes = figures.live_bytes + now->large_bytes;
    now->cached_bytes = figures.cached_bytes;
    now->unused_bytes = figures.unused_bytes;
    now->dirty_bytes = figures.dirty_bytes + large->dirty_bytes;
    now->clean_bytes = figures.clean_bytes + large->clean_bytes;
    now->resident_bytes = now->large_bytes + now->dirty_bytes + figures.head_bytes;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        now->resident_bytes += figures.slabs[c] * HAK_SLAB_BYTES;
    now->slow_paths = figures.slow_paths;
    now->remote_frees = figures.posted_blocks;
    now->given_back_bytes = atomic_load_explicit(&hak_given_back_bytes, memory_order_relaxed);
    now->background_threads = hak_background_is_there();
    now->background_bytes = atomic_load_explicit(&hak_background_bytes, memory_order_relaxed);
    now->background_failures = atomic_load_explicit(&hak_background_failures, memory_order_relaxed);
}

/* Fills in what the checks' half knows of guarded blocks, also of a program that the other serves.
 */
static void take_guarded(struct hak_stats *now, const struct hak_large_figures *large) {
    struct hak_sampled sampled = check_sampled();
    now->guarded_blocks = large->guarded_blocks;
    now->guarded_so_far = sampled.blocks;
    now->guard_ns = sampled.ns;
}

/* Copies up to `bytes` bytes of the figures, for callers compiled with an older struct. Returns how
 * many. */
HAK_EXPORT size_t hak_read_stats(struct hak_stats *stats, size_t bytes) {
    struct hak_stats now = {0};
    struct hak_large_figures large;
    hak_large_take_figures(&large);
    if (hak_light_serves())
        (void)light_hak_read_stats(&now, sizeof now);
    else if (hak_thread.state != HAK_THREAD_NEW)
        take_stats(&now, &large);
    if (hak_is_debug_build)
        take_guarded(&now, &large);
    if (bytes > sizeof now)
        bytes = sizeof now;
    __builtin_memcpy(stats, &now, bytes);
    return bytes;
}

/* The most bytes of a slot of the class that nobody asked for: less would be of the class below. */
static size_t most_slack(unsigned class_index) {
    size_t slot_bytes = hak_class_bytes(class_index);
    return class_index > 0 ? slot_bytes - hak_class_bytes(class_index - 1) - 1 : slot_bytes;
}

/* Copies up to `bytes` bytes of the class's row. Returns how many; 0: there is no such class. */
HAK_EXPORT size_t hak_read_class_stats(unsigned class_index, struct hak_class_stats *stats,
                                       size_t bytes) {
    if (class_index >= HAK_CLASSES)
        return 0;
    if (hak_light_serves())
        return light_hak_read_class_stats(class_index, stats, bytes);
    struct hak_figures figures = {0};
    if (hak_thread.state != HAK_THREAD_NEW)
        hak_figures_take(&figures);
    size_t out = figures.out_blocks[class_index], cached = figures.cached_of_class[class_index];
    struct hak_class_stats now = {
        .slot_bytes = hak_class_bytes(class_index),
        .mapped_bytes = figures.slabs[class_index] * HAK_SLAB_BYTES,
        .live_blocks = cached < out ? out - cached : 0,
        .cached_blocks = cached,
        .free_blocks = figures.slab_free_blocks[class_index],
        .is_slack_known = hak_is_debug_build,
    };
    now.slack_bytes = hak_is_debug_build ? hak_figures_slack(class_index)
                                         : now.live_blocks * most_slack(class_index);
    if (bytes > sizeof now)
        bytes = sizeof now;
    __builtin_memcpy(stats, &now, bytes);
    return bytes;
}
