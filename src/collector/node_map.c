/* Gives the stack nodes of a session their rows. */
#include "collector/node_map.h"

#include <stdlib.h>
#include "collector/client.h"
#include "collector/clock.h"
#include "base/bytes.h"
#include "trace/node.h"

#define OWNER_SHIFT     22
#define GENERATION_MASK ((1u << OWNER_SHIFT) - 1)
#define STACK_DEPTH_MAX 1024
#define AT_ONCE         (1u << 19)
#define PATIENCE_NS     200000000u /* for a node whose id is taken */

/* Ids of one row of table node_map. */
enum { BLOB_BITS = 13, BLOB_IDS = 1 << BLOB_BITS, BLOB_BYTES_MAX = BLOB_IDS * 8 };

void hak_node_map_begin(struct hak_node_map *map) {
    *map = (struct hak_node_map){.front = 1, .put = 1, .stored = 1, .taken = 1};
}

void hak_node_map_free(struct hak_node_map *map) {
    for (uint32_t i = 0; i < HAK_NODE_PAGES; i++) {
        free(map->page[i]);
        map->page[i] = NULL;
    }
}

static bool set_row(struct hak_node_map *map, uint32_t id, uint32_t row) {
    uint32_t **page = &map->page[id >> HAK_NODE_PAGE_BITS];
    if (!*page)
        *page = calloc((size_t)1 << HAK_NODE_PAGE_BITS, sizeof **page);
    if (*page)
        (*page)[id & ((1u << HAK_NODE_PAGE_BITS) - 1)] = row;
    return *page != NULL;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* The row of a node whose parent has row `parent`. Equal nodes get several ids once a program comes
 * half round its ring (stack_table.c), and may have a row from a worker before: then it is looked
 * for. */
static uint32_t make_row(struct hak_client *c, struct hak_rows *rows, const struct hak_node *n,
                         uint32_t parent, uint32_t process_index, uint64_t ns) {
    uint32_t owner = n->owner >> OWNER_SHIFT, generation = n->owner & GENERATION_MASK;
    uint32_t process =
        hak_client_process_row(c, rows, owner < HAK_PROCESSES ? owner : process_index, ns);
    bool may_be_known = c->knows_nodes || c->nodes.taken >= c->map.node_capacity / 2;
    return may_be_known ? hak_rows_find_node(rows, parent, process, generation, n->ip)
                        : hak_rows_add_node(rows, parent, process, generation, n->ip);
}

/* Up to the first frame that is known, then down again: parents get their rows first. 0 where a
 * frame is missing. */
static uint32_t take_path(struct hak_client *c, struct hak_rows *rows, uint32_t id,
                          uint32_t process_index, uint64_t ns) {
    uint32_t path[STACK_DEPTH_MAX];
    struct hak_node nodes[STACK_DEPTH_MAX];
    uint32_t depth = 0, row = 0;
    while (id != 0 && (row = hak_node_map_row(&c->nodes, id)) == 0) {
        if (depth == STACK_DEPTH_MAX || !hak_mapping_node(&c->map, id, &nodes[depth]))
            return 0;
        path[depth] = id;
        id = nodes[depth++].parent;
    }
    while (depth > 0) {
        depth--;
        row = make_row(c, rows, &nodes[depth], row, process_index, ns);
        if (row == 0 || !set_row(&c->nodes, path[depth], row))
            return 0;
    }
    return row;
}

uint32_t hak_client_node_row(struct hak_client *client, struct hak_rows *rows, uint32_t id,
                             uint32_t process_index, uint64_t ns) {
    if (id == 0)
        return 0;
    uint32_t row = take_path(client, rows, id, process_index, ns);
    if (row == 0)
        client->processes[process_index].unknown_stacks++;
    return row;
}

/* ---- taking nodes in order ------------------------------------------------------------------- */

void hak_node_map_look(struct hak_client *client) {
    uint32_t taken = atomic_load(&hak_mapping_header(&client->map)->node_count);
    client->nodes.taken = taken < HAK_NODE_IDS_MAX ? taken : HAK_NODE_IDS_MAX;
}

/* A session of few nodes, or one that nobody writes into any more, needs none before a record names
 * it. */
static bool is_eager(const struct hak_client *c) {
    return !c->is_file && c->nodes.taken >= c->map.node_capacity / 2;
}

/* False: the id at the front is to be waited for. A thread that was stopped, or killed, before it
 * wrote its node is waited for a while; then the id is given up, and the thread takes another. */
static bool is_past_hole(struct hak_client *c, uint64_t now_ns) {
    struct hak_node_map *m = &c->nodes;
    if (m->front >= m->waited_for) {
        m->waited_for = m->taken;
        m->waited_ns = now_ns;
    }
    if (now_ns - m->waited_ns < PATIENCE_NS)
        return false;
    return hak_mapping_give_node_up(&c->map, m->front);
}

/* A node of a process that this session knows nothing of (a copy of a session has all nodes, and
 * one process) is left until a record names it. */
static bool has_process(const struct hak_client *c, const struct hak_node *n) {
    uint32_t owner = n->owner >> OWNER_SHIFT;
    return owner < HAK_PROCESSES && c->processes[owner].row != 0;
}

void hak_node_map_take(struct hak_client *client, struct hak_rows *rows, uint64_t now_ns) {
    struct hak_node_map *m = &client->nodes;
    uint32_t mapped = atomic_load(&hak_mapping_header(&client->map)->nodes_mapped);
    struct hak_node node;
    if (!is_eager(client))
        return;
    rows->out_of_memory = false; /* of an earlier turn */
    if (m->front < mapped && mapped <= m->taken)
        m->front = m->put = m->stored = mapped; /* a store that was lost had these */
    for (uint32_t left = AT_ONCE; left > 0 && m->front < m->taken; left--) {
        bool is_there = hak_mapping_node(&client->map, m->front, &node);
        if (!is_there && !is_past_hole(client, now_ns))
            return;
        if (is_there && has_process(client, &node))
            (void)take_path(client, rows, m->front, node.owner >> OWNER_SHIFT, 0);
        if (rows->out_of_memory)
            return;
        m->front++;
    }
}

bool hak_node_map_waits(const struct hak_client *client) {
    uint32_t count =
        atomic_load_explicit(&hak_mapping_header(&client->map)->node_count, memory_order_relaxed);
    uint64_t capacity = client->map.node_capacity;
    return !client->is_file && count >= capacity / 2 && count <= HAK_NODE_IDS_MAX &&
           count > client->nodes.front + capacity / 4;
}

/* ---- storing the map ------------------------------------------------------------------------- */

/* Runs of ids whose rows follow one another: how many, then how far their first row is from the one
 * behind the last run's. Ids without a row are runs, too: 0 instead of the distance + 1. */
static size_t encode(const struct hak_node_map *m, uint32_t first, uint32_t end, uint8_t *to) {
    uint8_t *at = to;
    uint32_t next = 1;
    for (uint32_t id = first; id < end;) {
        uint32_t row = hak_node_map_row(m, id), count = 1;
        while (id + count < end && hak_node_map_row(m, id + count) == (row ? row + count : 0))
            count++;
        at = hak_write_varint(at, count);
        at = hak_write_varint(at, row ? hak_zigzag((uint64_t)row - next) + 1 : 0);
        id += count;
        if (row)
            next = row + count;
    }
    return (size_t)(at - to);
}

bool hak_node_map_is_dirty(const struct hak_client *client) {
    return client->nodes.put < client->nodes.front;
}

int hak_node_map_put(struct hak_client *client, struct hak_store_writer *writer) {
    static uint8_t blob[BLOB_BYTES_MAX + 2 * HAK_VARINT_BYTES]; /* one worker thread */
    struct hak_node_map *m = &client->nodes;
    int error = 0;
    while (error == 0 && m->put < m->front) {
        uint32_t first = m->put & ~(uint32_t)(BLOB_IDS - 1);
        uint32_t end = m->front - first < BLOB_IDS ? m->front : first + BLOB_IDS;
        struct hak_node_map_row row = {
            .session = client->number, .id = first, .ids = end - first, .data = blob};
        row.bytes = encode(m, first, end, blob);
        error = hak_store_put_node_map(writer, &row);
        m->put = end;
    }
    return error;
}

void hak_node_map_rolled_back(struct hak_client *client) {
    client->nodes.put = client->nodes.stored;
}

void hak_node_map_committed(struct hak_client *client) {
    struct hak_node_map *m = &client->nodes;
    if (m->stored == m->put)
        return;
    m->stored = m->put;
    hak_node_map_tell(client, m->stored);
}

void hak_node_map_tell(struct hak_client *client, uint32_t id) {
    struct hak_session *session = hak_mapping_header(&client->map);
    if (client->is_file || atomic_load(&session->nodes_mapped) >= id ||
        id > atomic_load(&session->node_count))
        return;
    atomic_store(&session->nodes_mapped, id);
    client->moved = true;
}

void hak_node_map_lose(struct hak_client *client) {
    hak_node_map_rolled_back(client);
    hak_node_map_tell(client, client->nodes.front);
}

struct loading {
    struct hak_client *client;
    const struct hak_rows *rows;
};

static int load_row(void *context, const struct hak_node_map_row *from) {
    const struct loading *l = context;
    struct hak_node_map *m = &l->client->nodes;
    struct hak_input in = {from->data, (const uint8_t *)from->data + from->bytes, false};
    uint64_t id = from->id, end = (uint64_t)from->id + from->ids, next = 1;
    while (id < end && end <= HAK_NODE_IDS_MAX) {
        uint64_t count = hak_read_varint(&in), coded = hak_read_varint(&in);
        uint64_t row = coded ? next + hak_unzigzag(coded - 1) : 0;
        if (in.broken || count == 0 || count > end - id || row > l->rows->node_count ||
            (row && count > l->rows->node_count + 1 - row))
            return HAK_STORE_BROKEN;
        for (uint64_t i = 0; row && i < count; i++)
            if (!set_row(m, (uint32_t)(id + i), (uint32_t)(row + i)))
                return HAK_STORE_INTERNAL;
        id += count;
        if (row)
            next = row + count;
    }
    if (end <= HAK_NODE_IDS_MAX && end > m->front)
        m->front = m->put = m->stored = (uint32_t)end;
    return 0;
}

int hak_node_map_load(struct hak_client *client, const struct hak_rows *rows,
                      struct hak_store_writer *writer, uint32_t number) {
    struct loading loading = {client, rows};
    return hak_store_each_node_map(writer, number, load_row, &loading);
}
