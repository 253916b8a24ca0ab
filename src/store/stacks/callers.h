/* Counts the places that called code, as the stacks of a store show it: a stack is a chain of nodes
 * (code, its caller), and code that many nodes hold under different callers is called from many
 * places. */
#ifndef HAK_STORE_STACKS_CALLERS_H
#define HAK_STORE_STACKS_CALLERS_H

#include <stdint.h>

#define HAK_CALLERS_COUNTED 4 /* so many, or more */

struct hak_node_reader;

struct hak_callers {
    uint64_t ip; /* the code: a return address, as nodes hold it */
    int count;   /* places that called it, at most HAK_CALLERS_COUNTED */
    uint64_t place[HAK_CALLERS_COUNTED];
    uint32_t looked_at; /* nodes */
};

/* Counts the callers of all `count` codes, in the first million nodes. 0 or an error. */
int hak_callers_count(struct hak_node_reader *nodes, struct hak_callers *of, int count);

#endif
