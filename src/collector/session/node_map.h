/* The row of the store for each stack node of a session: session id -> row id.
 *
 *   ids   1 ... stored | ... put | ... front | ... node_count     | + node_capacity
 *         written over   taken: their rows     in the ring, taken   no room before
 *         by the program are not committed     when a record asks   `stored` moves
 *
 *   pages | 1 KiB x 32 of rows | given back | ... | given back | ... |
 *           in memory            stored       in memory  stored
 *
 * Most programs make few nodes: then a node gets its row when the first record names it, and the
 * map lies in memory alone; a worker that comes after this one finds nodes by their values. Nodes
 * of a program that comes half round the ring are taken eagerly, in order of id, because their
 * places are written over as soon as `stored` (the header's nodes_mapped) has passed them; so are
 * those of a process that has ended, before its entry in the process table, which its nodes name,
 * becomes another one's. The map up to `stored` is stored with the rows themselves, in one
 * transaction (table node_map), so that it is there for the next worker; pages of it are given back
 * when there are many, and read again when one of their ids is named.
 *
 * An id without a row stays without one: a stack is given whole or not at all. For one thread. */
#ifndef HAK_COLLECTOR_SESSION_NODE_MAP_H
#define HAK_COLLECTOR_SESSION_NODE_MAP_H

#include <stdbool.h>
#include <stdint.h>

struct hak_client;
struct hak_rows;
struct hak_store_writer;

/* Ids of a page, which is a row of table node_map; and bytes of pages that may lie in memory. */
enum { HAK_NODE_PAGE_BITS = 13, HAK_NODE_PAGE_IDS = 1 << HAK_NODE_PAGE_BITS };
#define HAK_NODE_PAGES_BYTES ((size_t)64 << 20)

struct hak_node_page {
    uint32_t *row;   /* of each id, 0 = none; NULL: no id has one, or the page is in the store */
    bool is_changed; /* its stored form lacks a row that was found later: it stays */
};

struct hak_node_map {
    struct hak_node_page *page;
    uint32_t page_capacity;
    uint32_t *kept; /* numbers of the pages in memory, in no order */
    uint32_t kept_count, kept_capacity, kept_max;
    uint32_t hand;        /* in `kept`: the page that is given back next, if it can be */
    uint32_t front;       /* ids below it were taken; 1 = none yet */
    uint32_t put, stored; /* up to here in this transaction; committed */
    uint32_t settled;     /* up to here committed, or lost with the store */
    uint32_t taken;       /* the program's node_count when heads were read */
    uint32_t wanted;      /* ids below it are taken in order, however few there are */
    /* An id below `waited_for` that is not there was taken, but not written, before waited_ns. */
    uint32_t waited_for;
    uint64_t waited_ns;
};

/* Makes an empty map of nodes that has taken none yet. */
void hak_node_map_begin(struct hak_node_map *map);

/* Frees all pages and clears the map. */
void hak_node_map_free(struct hak_node_map *map);

/* Row of id, if it is known and in memory; else 0. */
static inline uint32_t hak_node_map_row(const struct hak_node_map *map, uint32_t id) {
    uint32_t number = id >> HAK_NODE_PAGE_BITS;
    const uint32_t *row = number < map->page_capacity ? map->page[number].row : (uint32_t *)0;
    return row ? row[id & (HAK_NODE_PAGE_IDS - 1)] : 0;
}

/* Row id of session node `id` for an event of process entry `process_index`; 0 = none, which is
 * counted where there should be one. */
uint32_t hak_client_node_row(struct hak_client *client, struct hak_rows *rows, uint32_t id,
                             uint32_t process_index, uint64_t ns);

/* Reads the number of nodes, before the processes are looked at. */
void hak_node_map_read_count(struct hak_client *client);

/* Wants all nodes that there are now, for a process that has ended; returns the id behind them. */
uint32_t hak_node_map_want(struct hak_client *client);
/* True when ids below `end` are known for good, or cannot be. */
bool hak_node_map_is_settled(const struct hak_client *client, uint32_t end);

/* Takes nodes up to there, if the ring has come to half its length, or those that are wanted: some,
 * for one commit. */
void hak_node_map_take(struct hak_client *client, struct hak_rows *rows, uint64_t now_ns);

/* True when many nodes wait. */
bool hak_node_map_waits(const struct hak_client *client);

/* True when something of the map is to be put. Puts it; 0 or the store's error. */
bool hak_node_map_is_dirty(const struct hak_client *client);

/* In a transaction: puts the pages with nodes that came since the last one. 0, or an error. */
int hak_node_map_put(struct hak_client *client, const struct hak_rows *rows,
                     struct hak_store_writer *writer);
void hak_node_map_rolled_back(struct hak_client *client);

/* After COMMIT: lets the program write over stored nodes. */
void hak_node_map_committed(struct hak_client *client);
/* Where nothing can be stored (a full disk): lets the program write over the nodes that this worker
 * knows, so that it need not wait; a later worker counts those that it does not find. */
void hak_node_map_lose(struct hak_client *client);
/* Tells the program that ids below `id` may be written over. */
void hak_node_map_release_up_to(struct hak_client *client, uint32_t id);

/* Goes on behind the nodes of the client's session that a worker before stored. 0, or an error. */
int hak_node_map_load(struct hak_client *client, struct hak_store_writer *writer);

#endif
