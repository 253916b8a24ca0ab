/* The modules of one process by address: which of those that lay there, one after the other, an
 * address of a generation means.
 *
 *   addresses   |----|--|------|---|     cut where a module begins or ends
 *   tree        leaf ... leaf            each module is listed at the few nodes that cover it
 *
 * A search goes from a leaf to the root and bisects the list of each node: for n modules about
 * log(n)^2 steps, however many lay at one address. Memory: 4 * log(n) bytes a module. For one
 * thread. */
#ifndef HAK_STORE_STACKS_MODULE_MAP_H
#define HAK_STORE_STACKS_MODULE_MAP_H

#include <stdbool.h>
#include <stdint.h>

struct hak_known_module {
    uint64_t start, end; /* addresses; end is behind it */
    uint32_t generation; /* an address of this generation or a later one may lie in it */
    uint32_t row;
};

struct hak_module_map {
    struct hak_known_module *module; /* by generation, then row; the map's own */
    uint32_t modules, room;
    uint64_t *cut; /* sorted */
    uint32_t cuts;
    uint32_t *first; /* of 2 * cuts nodes and the end: where its list begins */
    uint32_t *list;  /* numbers of modules, of each node in order */
};

/* Makes the map of map->module, which is filled in in order. False without memory. */
bool hak_module_map_make(struct hak_module_map *map);
/* The last module, in order, of a generation up to this one in which the address lies; NULL = none.
 * `steps` counts comparisons. */
const struct hak_known_module *hak_module_map_find(const struct hak_module_map *map,
                                                   uint64_t address, uint32_t generation,
                                                   uint64_t *steps);
void hak_module_map_free(struct hak_module_map *map);

#endif
