/* Moves the capacities of a thread's fronts: hot classes get more places, cold ones fewer, and
 * learning sets them.
 *
 * A class is hot when its array was full and then empty again, HOT_TURNS times in a period: more
 * places would have kept these blocks at hand. A program that only takes, or only gives, gains
 * nothing from places, so refills alone and spills alone do not count. Nor is it worth it for a
 * thread that does little: slow paths are when it gives memory back, and with enough places it
 * would have none. */
#include "front/thread_block.h"
#include "front/tune.h"

/* The debug build's period is 2,048 slow paths, of which a turn takes two for each half of the
 * array that it moves. */
enum { HOT_TURNS = 250, HOT_TURNS_DEBUG = 16 };

/* In all blocks by which a thread's arrays may hold more than at its start. */
#define GROWN_BYTES ((size_t)4 << 20)

/* Told of a place: its blocks now, and before in the upper half. */
static void note_capacity(unsigned place, unsigned class_index, uint64_t before,
                          uint64_t capacity) {
    hop_note(HAK_CAPACITY, class_index, (const void *)(uintptr_t)place, capacity | before << 32);
}

/* ---- arrays ---------------------------------------------------------------------------------- */

/* Moves an array's blocks to larger room, which is mapped once; false without memory. The top moves
 * last: a fork that comes in between finds all blocks by where it points (hak_array_bottom_of). */
static bool move_to_larger_room(struct hak_array *array, unsigned class_index) {
    if (!array->larger)
        array->larger = hak_map(
            HAK_PAGES_OF((hak_array_most(class_index) + (size_t)1) * sizeof *array->larger));
    if (!array->larger)
        return false;
    size_t count = (size_t)(hak_thread.top[class_index] - array->bottom);
    __builtin_memcpy(array->larger + 1, array->bottom + 1, count * sizeof *array->larger);
    atomic_signal_fence(memory_order_release);
    hak_thread.top[class_index] = array->larger + count;
    array->bottom = array->larger;
    return true;
}

bool hak_array_resize(unsigned class_index, unsigned capacity) {
    struct hak_front *front = hak_thread.front;
    struct hak_array *array = &front->array[class_index];
    if (capacity > HAK_ARRAY_PLACES && array->bottom != array->larger &&
        !move_to_larger_room(array, class_index))
        return false;
    if (hak_array_count(class_index) > capacity)
        hak_array_spill(class_index, hak_array_count(class_index) - capacity);
    unsigned before = array->capacity;
    array->capacity = (uint16_t)capacity;
    hak_thread.end[class_index] = array->bottom + capacity;
    array->idle_top = NULL;
    note_capacity(hak_mid_has(class_index) ? HAK_PLACE_MID_RING : HAK_PLACE_FRONT, class_index,
                  before, capacity);
    return true;
}

bool hak_array_grow(unsigned class_index) {
    struct hak_front *front = hak_thread.front;
    struct hak_array *array = &front->array[class_index];
    unsigned hot = hak_is_debug_build ? HOT_TURNS_DEBUG : HOT_TURNS;
    if (HAK_LIKELY(array->turns < hot) || array->capacity >= array->limit)
        return false;
    unsigned capacity = array->capacity * 2u < array->limit ? array->capacity * 2u : array->limit;
    size_t more_bytes = (capacity - array->capacity) * hak_class_bytes(class_index);
    if (front->grown_bytes + more_bytes > GROWN_BYTES || !hak_array_resize(class_index, capacity))
        return false;
    front->grown_bytes += more_bytes;
    array->turns = 1; /* the period in which it grew does not end in shrinking */
    return true;
}

/* Halves an array that grew, down to the places it began with. */
static void shrink(struct hak_front *front, unsigned class_index) {
    struct hak_array *array = &front->array[class_index];
    unsigned capacity = array->capacity / 2u > array->start ? array->capacity / 2u : array->start;
    front->grown_bytes -= (array->capacity - capacity) * hak_class_bytes(class_index);
    (void)hak_array_resize(class_index, capacity);
}

void hak_arrays_end_period(void) {
    struct hak_front *front = hak_thread.front;
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        struct hak_array *array = &front->array[c];
        if (array->turns == 0 && array->capacity > array->start && array->limit > array->start)
            shrink(front, c);
        array->turns = 0;
    }
}

/* ---- set by others --------------------------------------------------------------------------- */

/* The base's first cache, or NULL. */
static struct hak_cache *base_cache_of(unsigned class_index) {
    const struct hak_class_plan *plan = &hak_plan[class_index];
    return plan->caches > plan->base_cache ? hak_caches_of(class_index) + plan->base_cache : NULL;
}

/* Gives the array other places and another batch, within what is possible; it does not grow past
 * them by itself. Returns the places it has. */
static unsigned resize_array(unsigned class_index, unsigned capacity, unsigned batch) {
    struct hak_array *array = &hak_thread.front->array[class_index];
    unsigned most = hak_array_most(class_index);
    capacity = capacity < 1 ? 1 : capacity < most ? capacity : most;
    array->batch = (uint16_t)(batch < capacity ? batch : capacity);
    if (capacity != array->capacity)
        (void)hak_array_resize(class_index, capacity);
    array->start = array->limit = array->capacity;
    return array->capacity;
}

/* Gives a cache other places, within the memory of a stack or ring, and another batch (0: half).
 * Spills what it cannot hold then. Returns the places it has. */
static unsigned resize_cache(struct hak_cache *cache, unsigned capacity, unsigned batch) {
    if (cache->storage != HAK_LIST && capacity > cache->room)
        capacity = cache->room;
    capacity = capacity < 1 ? 1 : capacity;
    hak_cache_spill(cache, capacity);
    if (capacity != cache->capacity)
        note_capacity(cache->place, cache->class_index, cache->capacity, capacity);
    cache->capacity = capacity;
    cache->batch = batch && batch < capacity ? batch : (capacity + 1) / 2;
    return capacity;
}

unsigned hak_front_resize(unsigned class_index, unsigned capacity, unsigned batch) {
    struct hak_cache *cache = base_cache_of(class_index);
    if (hak_way_of(class_index) == HAK_WAY_ARRAY)
        return resize_array(class_index, capacity, batch);
    return cache ? resize_cache(cache, capacity, batch) : 0;
}

void hak_front_keep(unsigned class_index, unsigned blocks) {
    struct hak_cache *cache = base_cache_of(class_index);
    if (cache)
        hak_cache_spill(cache, blocks);
    else if (hak_array_count(class_index) > blocks)
        hak_array_spill(class_index, hak_array_count(class_index) - blocks);
}

void hak_arrays_follow_plan(void) {
    hak_thread.front->plan_version = atomic_load_explicit(&hak_plan_version, memory_order_acquire);
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        struct hak_class_plan *plan = &hak_plan[c];
        unsigned capacity = atomic_load_explicit(&plan->capacity, memory_order_relaxed);
        bool is_set = capacity == atomic_load_explicit(&plan->limit, memory_order_relaxed);
        if (capacity && is_set && capacity != hak_front_capacity(c))
            (void)hak_front_resize(c, capacity,
                                   atomic_load_explicit(&plan->batch, memory_order_relaxed));
    }
}

/* ---- seen by others -------------------------------------------------------------------------- */

void **hak_front_learner(void) {
    return &hak_thread.front->learner;
}

unsigned hak_front_capacity(unsigned class_index) {
    const struct hak_cache *cache = base_cache_of(class_index);
    return cache ? cache->capacity : hak_thread.front->array[class_index].capacity;
}

unsigned hak_front_batch(unsigned class_index) {
    const struct hak_cache *cache = base_cache_of(class_index);
    return cache ? cache->batch : hak_array_batch(&hak_thread.front->array[class_index]);
}

unsigned hak_front_blocks(unsigned class_index) {
    const struct hak_cache *cache = base_cache_of(class_index);
    return cache ? cache->count : hak_array_count(class_index);
}

uint32_t hak_front_refilled(unsigned class_index) {
    const struct hak_cache *cache = base_cache_of(class_index);
    return cache ? cache->refilled : hak_thread.front->array[class_index].refilled;
}

uint32_t hak_front_spilled(unsigned class_index) {
    const struct hak_cache *cache = base_cache_of(class_index);
    return cache ? cache->spilled : hak_thread.front->array[class_index].spilled;
}
