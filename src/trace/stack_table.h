/* The private table (parent, ip) -> id behind stacks.h: open addressing in levels that only grow.
 */
#ifndef HAK_TRACE_STACK_TABLE_H
#define HAK_TRACE_STACK_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"
#include "trace/session.h"

/* Makes the table empty, for ids in `nodes` that are given by counting `node_count` up. Returns
 * false when there is no memory. */
HAK_HIDDEN bool hak_stack_table_start(const struct hak_node *nodes,
                                      const _Atomic uint32_t *node_count);

/* The id of the node {ip, parent}, or 0. */
HAK_HIDDEN uint32_t hak_stack_table_find(uint32_t parent, uintptr_t ip);

/* Adds the complete node `id`. Returns the id that holds from now on: another one when a thread was
 * first with an equal node. */
HAK_HIDDEN uint32_t hak_stack_table_add(uint32_t parent, uintptr_t ip, uint32_t id);

/* Takes the node `id` out, if it is in. */
HAK_HIDDEN void hak_stack_table_remove(uint32_t parent, uintptr_t ip, uint32_t id);

#endif
