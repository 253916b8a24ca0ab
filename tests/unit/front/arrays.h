/* Helpers for the tests of the array front: a thread that is set up, and the two ways of a block.
 */
#ifndef TESTS_UNIT_FRONT_ARRAYS_H
#define TESTS_UNIT_FRONT_ARRAYS_H

#include "front/front.h"
#include "front/thread_block.h"
#include "unit/suite.h"

static inline void set_up(void) {
    hak_options_read(NULL);
    hak_registry_start(true);
    hak_front_start();
}

static inline base_t take(unsigned class_index) {
    base_t block = hak_array_pop(class_index);
    return block.p ? block : hak_front_refill(class_index);
}

static inline void give(unsigned class_index, base_t block) {
    if (hak_array_is_full(class_index))
        hak_front_spill(class_index);
    hak_array_push(class_index, block);
}

/* Places of the calling thread's array now. */
static inline unsigned capacity_of(unsigned class_index) {
    return hak_thread.front->array[class_index].capacity;
}

#endif
