/* The TLS SLL: a linked list of free blocks for each class, its links in the blocks themselves.
 *
 *   head --> | header | link | ... |  --> | header | link | ... |  --> NULL
 *              ^ base                       (no header in layout same: the link is the first word)
 *
 * Every pointer of the list is a base. This is where the original hakmem's 16-byte fault showed: a
 * user pointer that was pushed as a base. sll_push takes a base_t, so that only the file that
 * injects faults can do it again; whoever takes a head has it checked before its link is read.
 *
 * It stands behind a magazine (the two moves here), behind a hot ring (PROMOTE, chain.c), or alone.
 *
 * Ownership: a list belongs to its thread; no lock. */
#ifndef HAK_FRONT_SLL_H
#define HAK_FRONT_SLL_H

#include "front/cache.h"

/* The calling thread's list of a class; NULL when its base has none. */
HAK_HIDDEN struct hak_cache *hak_sll_of(unsigned class_index);

/* Moves a block from the magazine onto the list of its class. */
HAK_HIDDEN void sll_push(base_t block, unsigned class_index);

/* Moves the head of the list to the magazine: returns it, or HAK_NO_BASE when the list is empty, or
 * was dropped because its head is damaged (reported). */
HAK_HIDDEN base_t sll_pop(unsigned class_index);

/* Moves blocks from the head of a list into the slabs until `keep` are left. */
HAK_HIDDEN void sll_spill(struct hak_cache *list, uint32_t keep);

#endif
