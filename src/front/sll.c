/* The TLS SLL's three moves: magazine to list, list to magazine, list to slab. */
#include "front/sll.h"

#include "check.h"
#include "front/front.h"

void sll_push(base_t block, unsigned class_index) {
    bool again = check_inject_push(&block, &class_index);
    do {
        if (!hop(HAK_SLL_PUSH, block, class_index))
            return;
        struct hak_sll *list = hak_sll_of(class_index);
        *check_link_of(block) = list->head.p;
        atomic_signal_fence(memory_order_release); /* a fork may come in between: left.c */
        list->head = block;
        list->count++;
    } while (again && !(again = false));
}

/* The check stands in the two functions that take a head, so that a report names them first. */
static void unlink_head(struct hak_sll *list) {
    list->head = base_from(*check_link_of(list->head));
    list->count--;
}

static void drop_list(struct hak_sll *list) {
    *list = (struct hak_sll){.head = HAK_NO_BASE};
}

base_t sll_pop(unsigned class_index) {
    struct hak_sll *list = hak_sll_of(class_index);
    base_t block = list->head;
    if (!block.p)
        return HAK_NO_BASE;
    if (!check_pop(block, class_index)) {
        drop_list(list);
        return HAK_NO_BASE;
    }
    unlink_head(list);
    hop(HAK_SLL_POP, block, class_index);
    return block;
}

void sll_spill(unsigned class_index, uint32_t keep) {
    struct hak_sll *list = hak_sll_of(class_index);
    while (list->count > keep && list->head.p) {
        base_t block = list->head;
        if (!check_pop(block, class_index)) {
            drop_list(list);
            return;
        }
        unlink_head(list);
        hop(HAK_SLL_SPILL, block, class_index);
        hak_slab_give(hak_thread.heap, block);
    }
}

void sll_give_left(struct hak_sll *list, struct hak_heap *heap, unsigned class_index) {
    while (list->head.p && check_pop(list->head, class_index)) {
        base_t block = list->head;
        unlink_head(list);
        hak_slab_give_left(heap, block, class_index);
    }
    drop_list(list);
}
