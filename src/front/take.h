/* The slow side of malloc and free on classes: route calls it when the fast path found the array
 * empty or full, or off. Inline, so that a report's frames read magazine_flush <- free <- program.
 *
 *   way        take                     give
 *   ARRAY      hak_front_refill         hak_front_spill, push
 *   MAGAZINE   pop, magazine_refill     push, magazine_flush
 *   others     hak_chain_take           hak_chain_give
 *
 * The thread has a heap (state OWN). */
#ifndef HAK_FRONT_TAKE_H
#define HAK_FRONT_TAKE_H

#include "front/front.h"
#include "front/magazine.h"

/* A block of the class whose array was found empty. HAK_NO_BASE without memory. */
HAK_IN_PLACE base_t hak_front_take(unsigned class_index) {
    enum hak_way way = hak_way_of(class_index);
    if (HAK_LIKELY(way == HAK_WAY_ARRAY))
        return hak_front_refill(class_index);
    if (way == HAK_WAY_MAGAZINE)
        return hak_magazine_pop(class_index);
    return hak_chain_take(class_index);
}

/* Puts a block on its class's array, in which room is made where it is full. */
static inline void hak_array_put(unsigned class_index, base_t block) {
    if (hak_array_is_full(class_index))
        hak_front_spill(class_index);
    hak_array_push(class_index, block);
}

/* Puts `block`, a slot start of a class of this thread's heap, which comes back from the program,
 * into its front; `kind` is HAK_FREE, by hak_free_by, or HAK_REALLOC_FROM. It is recorded with the
 * place that takes it. */
HAK_IN_PLACE void hak_front_give(unsigned class_index, base_t block, enum hak_record_kind kind) {
    enum hak_way way = hak_way_of(class_index);
    if (way == HAK_WAY_MAGAZINE) {
        if (check_freed(block, kind, HAK_PLACE_MAGAZINE))
            hak_magazine_push(class_index, block);
        return;
    }
    if (HAK_UNLIKELY(way != HAK_WAY_ARRAY)) {
        hak_chain_give(class_index, block, kind);
        return;
    }
    if (!check_freed(block, kind, (enum hak_place)hak_place_of_array[class_index]))
        return;
    if (HAK_UNLIKELY(hak_array_has_on_top(class_index, block))) {
        hak_front_refuse_second(block);
        return;
    }
    hak_array_put(class_index, block);
}

#endif
