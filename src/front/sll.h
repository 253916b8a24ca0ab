/* The TLS SLL: a linked list of free blocks for each class, its links in the blocks themselves.
 *
 *   head --> | header | link | ... |  --> | header | link | ... |  --> NULL
 *              ^ base                       (no header in layout same: the link is the first word)
 *
 * Every pointer of the list is a base. This is where the original hakmem's 16-byte fault showed: a
 * user pointer that was pushed as a base. sll_push takes a base_t, so that only the file that
 * injects faults can do it again; sll_pop has the head checked before its link is read.
 *
 * Who owns what: a list belongs to its thread; no lock. */
#ifndef HAK_FRONT_SLL_H
#define HAK_FRONT_SLL_H

#include "block.h"
#include "slab/heap.h"

struct hak_sll {
    base_t head;
    uint32_t count;
};

/* The calling thread's list of a class below HAK_MAGAZINE_CLASSES. */
HAK_HIDDEN struct hak_sll *hak_sll_of(unsigned class_index);

/* Moves a block from the magazine onto the list of its class. */
HAK_HIDDEN void sll_push(base_t block, unsigned class_index);

/* Moves the head of the list to the magazine: returns it, or HAK_NO_BASE when the list is empty, or
 * was dropped because its head is damaged (reported). */
HAK_HIDDEN base_t sll_pop(unsigned class_index);

/* Empties the list of a thread that a fork left behind into the slabs of its heap. */
HAK_HIDDEN void sll_give_left(struct hak_sll *list, struct hak_heap *heap, unsigned class_index);

/* Moves blocks from the head of the list into the slabs until `keep` are left. */
HAK_HIDDEN void sll_spill(unsigned class_index, uint32_t keep);

#endif
