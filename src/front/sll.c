/* The TLS SLL's moves: magazine to list, list to magazine, list to slab. */
#include "front/sll.h"

#include "check.h"
#include "front/front.h"
#include "front/thread_block.h"

struct hak_cache *hak_sll_of(unsigned class_index) {
    struct hak_cache *last = hak_caches_of(class_index) + hak_plan[class_index].caches - 1;
    return hak_plan[class_index].caches && last->place == HAK_PLACE_SLL ? last : NULL;
}

void sll_push(base_t block, unsigned class_index) {
    bool again = check_inject_push(&block, &class_index);
    do {
        struct hak_cache *list = hak_sll_of(class_index);
        if (!hop(HAK_SLL_PUSH, block, class_index) || !list)
            return;
        hak_cache_push(list, block);
    } while (again && !(again = false));
}

/* Takes the head off the class's list. HAK_NO_BASE: it is empty, or its head is damaged, and the
 * list is dropped. The check stands in the two functions that take a head, so that a report names
 * them first. */
base_t sll_pop(unsigned class_index) {
    struct hak_cache *list = hak_sll_of(class_index);
    base_t block = list->head;
    if (!block.p)
        return HAK_NO_BASE;
    if (!check_pop(block, class_index)) {
        hak_cache_drop(list);
        return HAK_NO_BASE;
    }
    hak_cache_unlink(list);
    hop(HAK_SLL_POP, block, class_index);
    return block;
}

void sll_spill(struct hak_cache *list, uint32_t keep) {
    while (list->count > keep && list->head.p) {
        base_t block = list->head;
        if (!check_pop(block, list->class_index)) {
            hak_cache_drop(list);
            return;
        }
        hak_cache_unlink(list);
        hop(HAK_SLL_SPILL, block, list->class_index);
        hak_slab_give(hak_thread.heap, block);
    }
}
