/* A stack node as the store knows it: the frame `ip` called from the frames of `parent`. Plain
 * data, shared by collector and viewer. */
#ifndef HAK_STORE_NODE_H
#define HAK_STORE_NODE_H

#include <stdint.h>

struct hak_node_row {
    uint32_t id, parent, process, generation;
    uint64_t ip;
};

#endif
