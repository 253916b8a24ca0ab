/* The module of each return address, looked up in the modules of its process, which are read once:
 * a profile of many stacks asks for each of their addresses. They are read anew where the store was
 * written since. For one thread. */
#ifndef HAK_STORE_STACKS_MODULES_H
#define HAK_STORE_STACKS_MODULES_H

#include "base/index.h"
#include "store/database.h"
#include "store/node.h"

enum { HAK_MODULES_KEPT = 1 << 18 }; /* of all processes; then it begins anew */

struct hak_modules {
    struct hak_index by_process;
    struct hak_process_modules *process; /* number n is process[n - 1] */
    uint32_t processes, room, modules;
    uint64_t state; /* of the store that they are of */
};

/* Finds the row of the module in which `node` lies; a forked child has its parent's. 1, 0: in none,
 * or an error. */
int hak_modules_find(struct hak_modules *modules, const struct hak_database *db,
                     const struct hak_node_row *node, uint32_t *row);
void hak_modules_free(struct hak_modules *modules);

#endif
