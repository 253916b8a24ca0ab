/* A thread's arrays: set-up, and the ways of their blocks from and to the layer below. */
#include "front/thread_block.h"

enum { PARTED_AT_ONCE = 64 };

/* ---- set-up ---------------------------------------------------------------------------------- */

base_t *hak_array_bottom_of(struct hak_front *front, unsigned class_index, const base_t *top) {
    uintptr_t at = (uintptr_t)top;
    base_t *larger = front->array[class_index].larger;
    base_t *bottom = hak_array_small_room(front, class_index);
    if (larger && at >= (uintptr_t)larger &&
        at <= (uintptr_t)(larger + hak_array_most(class_index)))
        return larger;
    if (at >= (uintptr_t)bottom && at <= (uintptr_t)(bottom + HAK_ARRAY_PLACES))
        return bottom;
    return NULL;
}

/* Sets an array up by the plan, empty. Where the plan has more places than the block has room or
 * there is memory for, it gets as many as the block has. */
static void set_up(struct hak_front *front, unsigned class_index) {
    const struct hak_class_plan *plan = &hak_plan[class_index];
    struct hak_array *array = &front->array[class_index];
    unsigned places = plan->capacity < HAK_ARRAY_PLACES ? plan->capacity : HAK_ARRAY_PLACES;
    array->bottom = hak_array_small_room(front, class_index);
    array->idle_top = NULL;
    array->refilled = array->spilled = 0;
    array->capacity = array->start = (uint16_t)places;
    array->batch = plan->batch;
    array->limit = plan->limit;
    array->turns = 0;
    array->has_spilled = false;
    hak_thread.top[class_index] = array->bottom;
    hak_thread.end[class_index] = array->bottom + places;
    if (plan->capacity > places && hak_array_resize(class_index, plan->capacity))
        array->start = array->capacity;
}

void hak_arrays_start(void) {
    struct hak_front *front = hak_thread.front;
    front->grown_bytes = 0;
    front->plan_version = atomic_load_explicit(&hak_plan_version, memory_order_acquire);
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        front->array[c].capacity = 0;
        if (hak_way_of(c) == HAK_WAY_ARRAY)
            set_up(front, c);
    }
}

/* ---- refill ---------------------------------------------------------------------------------- */

/* Takes blocks from the slabs into the places above an empty array's bottom; one counts when top
 * moves. Returns how many. */
static unsigned take_from_slabs(unsigned class_index, base_t *places, unsigned wanted) {
    unsigned taken = hak_slab_take_some(hak_thread.heap, class_index, places, wanted);
    hop_all_down(HAK_FRONT_REFILL, places, taken, class_index);
    return taken;
}

/* Fills an empty array, from mid where mid serves the class, else from the slabs. Returns how
 * many. */
static unsigned refill(struct hak_array *array, unsigned class_index, unsigned wanted) {
    base_t *places = array->bottom + 1;
    struct hak_heap *heap = hak_thread.heap;
    unsigned taken = hak_mid_has(class_index)
                         ? hak_mid_take(heap, hak_thread.front->mid, class_index, places, wanted)
                         : take_from_slabs(class_index, places, wanted);
    array->refilled += taken;
    hak_reverse(places, taken);                /* lowest address on top */
    atomic_signal_fence(memory_order_release); /* a fork may come in between: left.c */
    hak_thread.top[class_index] = array->bottom + taken;
    return taken;
}

unsigned hak_array_fill(unsigned class_index, unsigned wanted) {
    struct hak_array *array = &hak_thread.front->array[class_index];
    if (hak_array_count(class_index) > 0)
        return 0;
    return refill(array, class_index, wanted < array->capacity ? wanted : array->capacity);
}

/* ---- spill ----------------------------------------------------------------------------------- */

static void spill_to_slabs(unsigned class_index, const base_t *blocks, unsigned count) {
    hop_all(HAK_FRONT_SPILL, blocks, count, class_index);
    hak_slab_give_all(hak_thread.heap, blocks, count);
}

/* Moves the other blocks down when the `count` oldest have gone, and counts those as spilled. */
static void close_gap(unsigned class_index, unsigned count) {
    struct hak_array *array = &hak_thread.front->array[class_index];
    base_t *first = array->bottom + 1;
    size_t kept = (size_t)(hak_thread.top[class_index] + 1 - first) - count;
    __builtin_memmove(first, first + count, kept * sizeof *first);
    hak_thread.top[class_index] -= count;
    array->spilled += count;
}

/* Moves blocks into mid where it serves the class, else into the slabs. */
static void move_down(unsigned class_index, const base_t *blocks, unsigned count) {
    if (hak_mid_has(class_index))
        hak_mid_spill(hak_thread.heap, class_index, blocks, count);
    else
        spill_to_slabs(class_index, blocks, count);
}

void hak_array_spill(unsigned class_index, unsigned count) {
    move_down(class_index, hak_thread.front->array[class_index].bottom + 1, count);
    close_gap(class_index, count);
}

void hak_array_overflow(unsigned class_index, unsigned count) {
    struct hak_front *front = hak_thread.front;
    if (!hak_mid_has(class_index)) {
        hak_array_spill(class_index, count);
        return;
    }
    hak_mid_give(hak_thread.heap, &front->mid, class_index, front->array[class_index].bottom + 1,
                 count);
    close_gap(class_index, count);
}

/* Gives the array's blocks to the layer below that lie in SuperSlabs which drain, but for the two
 * that stay. Each is there before its place is overwritten, and the top moves last: a fork that
 * comes in between finds each block in the slabs, or in the array, perhaps twice. */
void hak_array_spill_draining(unsigned class_index, const struct hak_staying *staying) {
    struct hak_array *array = &hak_thread.front->array[class_index];
    base_t *next = array->bottom + 1, *end = hak_thread.top[class_index] + 1, *place = next;
    base_t going[PARTED_AT_ONCE], kept[PARTED_AT_ONCE];
    while (next < end) {
        unsigned count = end - next < PARTED_AT_ONCE ? (unsigned)(end - next) : PARTED_AT_ONCE;
        unsigned goes = hak_slab_part(staying, next, count, going, kept);
        if (goes > 0)
            move_down(class_index, going, goes);
        atomic_signal_fence(memory_order_release);
        __builtin_memcpy(place, kept, (count - goes) * sizeof *kept);
        array->spilled += goes;
        place += count - goes;
        next += count;
    }
    atomic_signal_fence(memory_order_release);
    hak_thread.top[class_index] = place - 1;
}

HAK_COLD void hak_front_refuse_second(base_t block) {
    if (!hak_is_debug_build)
        hak_blame("double-free", block.p, "is free already; some code freed it twice");
}
