/* Finds rows of stack nodes by their parent's row and a key of 64 bits, a hash of what they hold.
 * Rows are added in order of id, from base + 1 on and without gaps.
 *
 *   keys   | of row base + 1 | of row base + 2 | ...
 *   first  | of row base | of row base + 1 | ...   first child of each row; 0 = none. Row 0 is the
 *                                                  root
 *   slots  | key's first half:32 | row:32 |   the other children, also of rows before the base, by
 *                                             their keys, the next free slot
 *
 * Most nodes are the only child of their parent: what is below a new row is known to be new without
 * a look into the slots, and a row takes 12 bytes. For one thread. */
#ifndef HAK_COLLECTOR_CAPTURE_NODE_INDEX_H
#define HAK_COLLECTOR_CAPTURE_NODE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

struct hak_node_index {
    uint64_t *keys;
    uint32_t *first;
    uint64_t *slots; /* 2^slot_bits, or NULL */
    uint32_t base;   /* row before the first that is in it; set before anything is added */
    uint32_t count;  /* rows that are in it */
    uint32_t key_capacity, first_capacity, slot_bits, slots_used;
};

/* The row with `key` below row `parent`, or 0. */
uint32_t hak_node_index_find(const struct hak_node_index *index, uint32_t parent, uint64_t key);

/* Adds row base + count + 1 below row `parent`, an earlier one. False when memory ran out: nothing
 * was added. */
bool hak_node_index_add(struct hak_node_index *index, uint32_t parent, uint64_t key);

/* Frees the keys and tables and clears the index. */
void hak_node_index_free(struct hak_node_index *index);

#endif
