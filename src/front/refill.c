/* Serves a call that found its array empty, or full: the work of every slow path comes first
 * (decay.c), then a batch of blocks moves up or down. */
#include "front/thread_block.h"

enum { FIRST_REFILL = 4 };

/* A batch, but of a class that the thread has just begun to use a few, then twice as many, and so
 * on: a thread that ends soon has to bring back what it did not need. */
static unsigned blocks_to_refill(const struct hak_array *array) {
    unsigned batch = hak_array_batch(array), few = FIRST_REFILL + array->refilled;
    return array->batch == 0 && few < batch ? few : batch;
}

base_t hak_front_refill(unsigned class_index) {
    struct hak_array *array = &hak_thread.front->array[class_index];
    hak_front_tend();
    if (array->has_spilled) {
        array->has_spilled = false;
        if (array->turns < UINT16_MAX)
            array->turns++;
    }
    if (hak_remote_fill(class_index) == 0)
        (void)hak_array_fill(class_index, blocks_to_refill(array));
    return hak_array_pop(class_index);
}

void hak_front_spill(unsigned class_index) {
    struct hak_array *array = &hak_thread.front->array[class_index];
    hak_front_tend();
    if (!hak_array_is_full(class_index))
        return;
    array->has_spilled = true;
    if (!hak_array_grow(class_index))
        hak_array_overflow(class_index, hak_array_batch(array));
}
