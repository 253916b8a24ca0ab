/* Which row of the store each stack node of a session has: session id -> row id.
 *
 *   ids   1 ... stored | ... put | ... front | ... node_count     | + node_capacity
 *         written over   taken: their rows     in the ring, taken   no room before
 *         by the program are not committed     when a record asks   `stored` moves
 *
 * Most programs make few nodes: then a node gets its row when the first record names it, and the
 * map lies in memory alone; a worker that comes after this one finds nodes by their values. Of a
 * program that comes half round the ring nodes are taken eagerly, in order of id, because their
 * places are written over as soon as `stored` (the header's nodes_mapped) has passed them. The map
 * up to there is stored with the rows themselves, in one transaction (table node_map), so that it
 * is there for the next worker.
 *
 * An id without a row stays without one: a stack is given whole or not at all. For one thread. */
#ifndef HAK_COLLECTOR_NODE_MAP_H
#define HAK_COLLECTOR_NODE_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include "trace/session.h"

struct hak_client;
struct hak_rows;
struct hak_store_writer;

enum { HAK_NODE_PAGE_BITS = 16, HAK_NODE_PAGES = HAK_NODE_IDS_MAX >> HAK_NODE_PAGE_BITS };

struct hak_node_map {
    uint32_t *page[HAK_NODE_PAGES]; /* rows of 2^HAK_NODE_PAGE_BITS ids; NULL, 0 = none */
    uint32_t front;                 /* ids below it were taken; 1 = none yet */
    uint32_t put, stored;           /* up to here in this transaction; committed */
    uint32_t taken;                 /* the program's node_count when heads were read */
    /* An id below `waited_for` that is not there was taken, but not written, before waited_ns. */
    uint32_t waited_for;
    uint64_t waited_ns;
};

void hak_node_map_begin(struct hak_node_map *map);
void hak_node_map_free(struct hak_node_map *map);

/* Row of id, if it is known; else 0. */
static inline uint32_t hak_node_map_row(const struct hak_node_map *map, uint32_t id) {
    const uint32_t *page =
        id < HAK_NODE_IDS_MAX ? map->page[id >> HAK_NODE_PAGE_BITS] : (const uint32_t *)0;
    return page ? page[id & ((1u << HAK_NODE_PAGE_BITS) - 1)] : 0;
}

/* Row id of session node `id` for an event of process entry `process_index`; 0 = none, which is
 * counted where there should be one. */
uint32_t hak_client_node_row(struct hak_client *client, struct hak_rows *rows, uint32_t id,
                             uint32_t process_index, uint64_t ns);

/* Reads how many nodes there are, before it is looked which processes there are. */
void hak_node_map_look(struct hak_client *client);

/* Takes nodes up to there, if the ring has come to half its length: some, for one commit. */
void hak_node_map_take(struct hak_client *client, struct hak_rows *rows, uint64_t now_ns);

/* True when many nodes wait. */
bool hak_node_map_waits(const struct hak_client *client);

/* True when something of the map is to be put. Puts it; 0 or the store's error. */
bool hak_node_map_is_dirty(const struct hak_client *client);
int hak_node_map_put(struct hak_client *client, struct hak_store_writer *writer);
void hak_node_map_rolled_back(struct hak_client *client);

/* After COMMIT: lets the program write over what is stored. */
void hak_node_map_committed(struct hak_client *client);
/* Where nothing can be stored (a full disk): lets the program write over what this worker knows, so
 * that it need not wait; a later worker counts what it does not find. */
void hak_node_map_lose(struct hak_client *client);
/* Tells the program that ids below `id` may be written over. */
void hak_node_map_tell(struct hak_client *client, uint32_t id);

/* Loads what a worker before stored of session `number`, and goes on behind it. */
int hak_node_map_load(struct hak_client *client, const struct hak_rows *rows,
                      struct hak_store_writer *writer, uint32_t number);

#endif
