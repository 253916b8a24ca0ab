/* The periodic work of slow paths: posts partial chunks, and moves blocks that were not used for a
 * while down a layer. */
#include "front/thread_block.h"
#include "front/tune.h"

/* The debug build's period: slow paths and not time, so that each run has the same moves. In it,
 * unused blocks go down more often than capacities move. */
enum { PERIOD_SLOW_PATHS = 256, CAPACITY_SLOW_PATHS = 2048 };

void (*hak_front_look)(void);
void (*hak_front_at_period)(void);
size_t (*hak_front_give_back)(void);
struct hak_purge hak_purge;

/* Gives the older half of each array to the layer below: a block at the bottom of one that is in
 * use would stay there for good, and keep its SuperSlab from going back. All of one whose top is
 * where it was at the last two looks: nobody uses the class. */
static void decay_arrays(struct hak_front *front) {
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        struct hak_array *array = &front->array[c];
        unsigned count = hak_array_count(c);
        if (!array->capacity)
            continue;
        array->idle = array->idle_top != hak_thread.top[c] ? 0
                      : array->idle < 2                    ? array->idle + 1
                                                           : 2;
        if (count > 0)
            hak_array_spill(c, array->idle > 1 ? count : (count + 1) / 2);
        array->idle_top = hak_thread.top[c];
    }
}

/* Gives the slabs the cached blocks of SuperSlabs that drain, which a few scattered blocks would
 * keep; the fronts beside the arrays are not looked through but emptied. */
static void let_draining_go(struct hak_front *front) {
    struct hak_staying staying;
    if (!hak_slab_find_fullest_draining(hak_thread.heap, &staying))
        return;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        if (hak_array_count(c) > 0)
            hak_array_spill_draining(c, &staying);
    hak_mid_spill_draining(hak_thread.heap, front->mid, &staying);
    hak_caches_empty();
}

/* Ends a period: arrays and caches that were cold in it get smaller, and give blocks to the layers
 * below. */
static void end_period(struct hak_front *front) {
    if (!hak_is_debug_build || front->slow_paths % CAPACITY_SLOW_PATHS == 0)
        hak_arrays_end_period();
    decay_arrays(front);
    hak_caches_decay();
    hak_mid_decay(hak_thread.heap, front->mid);
    let_draining_go(front);
    if (hak_front_at_period)
        hak_front_at_period();
}

void hak_front_empty(void) {
    hak_remote_flush();
    hak_remote_drain();
    hak_caches_empty();
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        if (hak_array_count(c))
            hak_array_spill(c, hak_array_count(c));
    hak_mid_empty(hak_thread.heap, hak_thread.front->mid);
}

size_t hak_front_trim_heap(struct hak_heap *heap) {
    hak_remote_drain_heap(heap);
    hak_slab_trim(heap);
    return hak_slab_purge(heap, 0);
}

/* Gives back what the thread can spare, since that is asked for; the first to do so, what the
 * process keeps, too. */
static HAK_COLD void serve_purge(struct hak_front *front, uint32_t asked) {
    front->purged = asked;
    hak_front_empty();
    (void)hak_front_trim_heap(hak_thread.heap);
    if (atomic_load_explicit(&hak_purge.served, memory_order_relaxed) == asked)
        return;
    if (hak_front_give_back)
        (void)hak_front_give_back();
    atomic_store_explicit(&hak_purge.served, asked, memory_order_release);
}

void hak_front_decay(void) {
    struct hak_front *front = hak_thread.front;
    if (HAK_UNLIKELY(front->plan_version !=
                     atomic_load_explicit(&hak_plan_version, memory_order_relaxed)))
        hak_arrays_follow_plan();
    if (++front->slow_paths % HAK_TEND_EVERY != 0)
        return;
    hak_remote_flush();
    if (hak_front_look)
        hak_front_look();
    uint32_t asked = atomic_load_explicit(&hak_purge.asked, memory_order_acquire);
    if (HAK_UNLIKELY(front->purged != asked) && !check_is_nested())
        serve_purge(front, asked);
    uint64_t now = hak_ticks();
    bool is_time = now - front->decayed_at >= HAK_DECAY_TICKS;
    if (is_time)
        front->decayed_at = now;
    if (hak_is_debug_build ? front->slow_paths % PERIOD_SLOW_PATHS == 0 : is_time)
        end_period(front);
    hak_slab_collect_away(hak_thread.heap);
    hak_slab_decay(hak_thread.heap);
}

void hak_front_tend(void) {
    hak_mail_tend();
    hak_front_decay();
    (void)hak_slab_give_back_some(hak_thread.heap);
}
