/* Counts callers by reading the nodes in order of their ids, once for all codes; a node's caller
 * has a lower id and lies near, mostly. */
#include "store/stacks/callers.h"

#include "store/stacks/node_reader.h"
#include "store/error.h"

enum {
    NODES_MOST = 1 << 20, /* a tenth of a second */
    LOOKED_AT_MOST = 4096 /* of one code, that may have few callers in many stacks */
};

/* Adds the parent's place to the callers, if it is new. 0, or an error. */
static int add_caller(struct hak_node_reader *nodes, struct hak_callers *of, uint32_t parent) {
    struct hak_node_row caller;
    int found = hak_node_reader_get(nodes, parent, &caller);
    if (found <= 0)
        return found;
    for (int i = 0; i < of->count; i++)
        if (of->place[i] == caller.ip)
            return 0;
    of->place[of->count++] = caller.ip;
    return 0;
}

int hak_callers_count(struct hak_node_reader *nodes, struct hak_callers *of, int count) {
    struct hak_node_row node = {0};
    int found = 1, error;
    for (uint32_t i = 0; i < NODES_MOST; i++) {
        found = hak_node_reader_next(nodes, node.id + 1, &node);
        if (found <= 0)
            break;
        for (int k = 0; k < count && found > 0; k++)
            if (of[k].ip == node.ip && node.parent && of[k].count < HAK_CALLERS_COUNTED &&
                of[k].looked_at++ < LOOKED_AT_MOST &&
                (error = add_caller(nodes, &of[k], node.parent)) < 0)
                return error;
    }
    return found < 0 ? found : 0;
}
