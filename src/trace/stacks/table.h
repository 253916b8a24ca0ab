/* The private table (parent, ip) -> id behind stacks.h.
 *
 *   first children   one place for each place of the ring: | parent:32 | child:32 |
 *   the others       open addressing in levels that grow, the last of which is emptied where nodes
 *                    are written over
 *
 * Most nodes are the only child of their parent, and ids of a new stack follow one another: so most
 * are found, and found to be new, where the last ones were.
 */
#ifndef HAK_TRACE_STACK_TABLE_H
#define HAK_TRACE_STACK_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"
#include "trace/session.h"

/* Where the nodes lie (node.h), and how ids are given. */
struct hak_stack_table_nodes {
    const struct hak_node *nodes;
    uint64_t capacity; /* places */
    uint32_t bits;
    const _Atomic uint32_t *count; /* ids are given by counting it up */
};

/* Makes the table empty. Returns false when there is no memory. */
HAK_HIDDEN bool hak_stack_table_start(const struct hak_stack_table_nodes *nodes);

/* Gives the table's memory back. Nobody may use it before the next start. */
HAK_HIDDEN void hak_stack_table_end(void);

/* The id of the node {ip, parent}, or 0. */
HAK_HIDDEN uint32_t hak_stack_table_find(uint32_t parent, uintptr_t ip);

/* Adds the published node `id`. Returns the id that holds from now on: another one when a thread
 * was first with an equal node. */
HAK_HIDDEN uint32_t hak_stack_table_add(uint32_t parent, uintptr_t ip, uint32_t id);

/* Takes the node `id` out of all levels, if it is in; other nodes of its parent stay. */
HAK_HIDDEN void hak_stack_table_remove(uint32_t parent, uintptr_t ip, uint32_t id);

#endif
