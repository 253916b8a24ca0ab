/* Serves a call that found its array empty, or full: the work of every slow path comes first
 * (decay.c), then a batch of blocks moves up or down. */
#include "front/thread_block.h"

enum { FIRST_REFILL = 4 };

/* Blocks of other classes, and of mid, that one spill after a burst moves with its own. */
enum { EMPTIED_AT_ONCE = 256 };

/* Places of an array while a burst's remains go back: its frees come by here often, and each gives
 * back some. */
enum { CLOSED_PLACES = 4 };

/* A batch, but of a class that the thread has just begun to use a few, then twice as many, and so
 * on: a thread that ends soon has to bring back what it did not need. */
static unsigned blocks_to_refill(const struct hak_array *array) {
    unsigned batch = hak_array_batch(array), few = FIRST_REFILL + array->refilled;
    return array->batch == 0 && few < batch ? few : batch;
}

/* Sets the number of blocks that the array takes from frees; it holds no more. */
static void set_end(unsigned class_index, unsigned places) {
    const struct hak_array *array = &hak_thread.front->array[class_index];
    places = places < array->capacity ? places : array->capacity;
    if (hak_array_count(class_index) <= places)
        hak_thread.end[class_index] = array->bottom + places;
}

base_t hak_front_refill(unsigned class_index) {
    struct hak_array *array = &hak_thread.front->array[class_index];
    hak_front_tend();
    hak_thread.end[class_index] = array->bottom + array->capacity;
    if (array->has_spilled) {
        array->has_spilled = false;
        if (array->turns < UINT16_MAX)
            array->turns++;
    }
    if (hak_remote_fill(class_index) == 0)
        (void)hak_array_fill(class_index, blocks_to_refill(array));
    return hak_array_pop(class_index);
}

/* Gives all blocks of the array to the slabs, and a bounded number of the next class's and of
 * mid's: after a burst each scattered block in a cache would keep a slab, and nobody may call
 * again. A block moves down once, whichever spill takes it. */
static HAK_COLD void spill_remains(struct hak_front *front, unsigned class_index) {
    hak_array_spill(class_index, hak_array_count(class_index));
    for (unsigned looks = 0; looks < HAK_CLASSES; looks++, front->next_emptied++) {
        unsigned next = front->next_emptied % HAK_CLASSES, count = hak_array_count(next);
        if (count == 0)
            continue;
        hak_array_spill(next, count < EMPTIED_AT_ONCE ? count : EMPTIED_AT_ONCE);
        break;
    }
    hak_mid_empty_some(hak_thread.heap, front->mid, EMPTIED_AT_ONCE);
}

void hak_front_spill(unsigned class_index) {
    struct hak_array *array = &hak_thread.front->array[class_index];
    hak_mail_tend();
    hak_front_decay();
    if (!hak_is_debug_build && HAK_UNLIKELY(hak_slab_is_after_burst(hak_thread.heap))) {
        spill_remains(hak_thread.front, class_index);
        bool goes_on = hak_slab_give_back_some(hak_thread.heap);
        set_end(class_index, goes_on ? CLOSED_PLACES : array->capacity);
        return;
    }
    set_end(class_index, array->capacity);
    if (hak_array_is_full(class_index)) {
        array->has_spilled = true;
        if (!hak_array_grow(class_index))
            hak_array_overflow(class_index, hak_array_batch(array));
    }
    (void)hak_slab_give_back_some(hak_thread.heap);
}
