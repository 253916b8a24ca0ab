/* The program's function behind each stack, looked up once: a query over many events of few stacks
 * asks it again and again.
 *
 *   stack node --by_node--> number of a name --> text, shared by all nodes that have it
 *
 * For one thread. Memory: 32 bytes for each of at most HAK_FUNCTIONS_NODES nodes, and each name
 * once. A store that is being written may get new names: drop this where another state is read. */
#ifndef HAK_STORE_STACKS_FUNCTIONS_H
#define HAK_STORE_STACKS_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/index.h"

enum { HAK_FUNCTIONS_NODES = 1 << 20 }; /* kept; then it begins anew */

struct hak_functions {
    struct hak_index by_node, by_text;
    char **name; /* number n is name[n - 1] */
    uint32_t names, capacity;
};

/* The name kept of `node`: true and `name` (NULL = it has none), or false. */
bool hak_functions_find(const struct hak_functions *functions, uint32_t node, const char **name);
/* Keeps a copy of `name` (NULL or "" = none) for `node`, which must not be kept yet. Without memory
 * nothing is kept. */
void hak_functions_add(struct hak_functions *functions, uint32_t node, const char *name);
void hak_functions_free(struct hak_functions *functions);

#endif
