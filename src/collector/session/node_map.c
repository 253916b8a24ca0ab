/* Gives the stack nodes of a session their rows. */
#include "collector/session/node_map.h"

#include <stdlib.h>
#include <string.h>
#include "collector/session/process.h"
#include "collector/session/clock.h"
#include "base/growing.h"
#include "base/bytes.h"
#include "trace/frame_node.h"
#include "trace/node.h"

#define OWNER_SHIFT     22
#define GENERATION_MASK ((1u << OWNER_SHIFT) - 1)
#define STACK_DEPTH_MAX 1024
#define AT_ONCE         (1u << 19)
#define PATIENCE_NS     200000000u /* for a node whose id is taken */

#define NODE_PAGE_BYTES (HAK_NODE_PAGE_IDS * sizeof(uint32_t))
#define BLOB_BYTES_MAX  (HAK_NODE_PAGE_IDS * 8)

void hak_node_map_begin(struct hak_node_map *map) {
    *map = (struct hak_node_map){.kept_max = HAK_NODE_PAGES_BYTES / NODE_PAGE_BYTES,
                                 .front = 1,
                                 .put = 1,
                                 .stored = 1,
                                 .settled = 1,
                                 .taken = 1};
}

void hak_node_map_free(struct hak_node_map *map) {
    for (uint32_t i = 0; i < map->kept_count; i++)
        free(map->page[map->kept[i]].row);
    free(map->page);
    free(map->kept);
    *map = (struct hak_node_map){0};
}

/* ---- pages ----------------------------------------------------------------------------------- */

static bool can_be_given_back(const struct hak_node_map *map, uint32_t number) {
    uint64_t end = (uint64_t)(number + 1) << HAK_NODE_PAGE_BITS;
    return end <= map->stored && !map->page[number].is_changed;
}

/* Notes that page `number` is in memory, in the place of one that is given back where there are
 * many. False without memory. */
static bool keep_page(struct hak_node_map *map, uint32_t number) {
    bool is_full = map->kept_count >= map->kept_max;
    for (uint32_t left = is_full ? map->kept_count : 0; left > 0; left--) {
        uint32_t *kept = &map->kept[map->hand];
        map->hand = (map->hand + 1) % map->kept_count;
        if (!can_be_given_back(map, *kept))
            continue;
        free(map->page[*kept].row);
        map->page[*kept].row = NULL;
        *kept = number;
        return true;
    }
    if (!hak_growing_make_room(&map->kept, map->kept_count, &map->kept_capacity, sizeof *map->kept))
        return false;
    map->kept[map->kept_count++] = number;
    return true;
}

struct reading {
    uint32_t *row;
    uint32_t rows; /* there are in the store */
};

/* Reads a page that encode wrote. 0, or HAK_STORE_BROKEN: it cannot be right. */
static int decode(void *context, const struct hak_node_map_row *from) {
    const struct reading *to = context;
    struct hak_input in = {from->data, (const uint8_t *)from->data + from->bytes, false};
    uint64_t at = 0, next = 1;
    while (at < from->ids && from->ids <= HAK_NODE_PAGE_IDS) {
        uint64_t count = hak_read_varint(&in), coded = hak_read_varint(&in);
        uint64_t row = coded ? next + hak_unzigzag(coded - 1) : 0;
        if (in.broken || count == 0 || count > from->ids - at || row > to->rows ||
            (row && count > to->rows + 1 - row))
            return HAK_STORE_BROKEN;
        for (uint64_t i = 0; row && i < count; i++)
            to->row[at + i] = (uint32_t)(row + i);
        at += count;
        if (row)
            next = row + count;
    }
    return 0;
}

/* The page that `id` lies in, from the store if that has some of it; NULL without memory. */
static struct hak_node_page *page_of(struct hak_client *c, struct hak_store_writer *writer,
                                     uint32_t rows, uint32_t id) {
    struct hak_node_map *m = &c->nodes;
    uint32_t number = id >> HAK_NODE_PAGE_BITS, first = number << HAK_NODE_PAGE_BITS;
    if (!hak_growing_reach(&m->page, number, &m->page_capacity, sizeof *m->page))
        return NULL;
    struct hak_node_page *page = &m->page[number];
    if (page->row)
        return page;
    struct reading to = {calloc(HAK_NODE_PAGE_IDS, sizeof *to.row), rows};
    if (!to.row || !keep_page(m, number)) {
        free(to.row);
        return NULL;
    }
    if (first < m->stored && writer &&
        hak_store_read_node_map(writer, c->number, first, decode, &to) != 0)
        memset(to.row, 0, NODE_PAGE_BYTES); /* its stacks are counted as missing */
    page->row = to.row;
    return page;
}

/* Row of id, if it is known; else 0. */
static uint32_t find_node_row(struct hak_client *c, const struct hak_rows *rows, uint32_t id) {
    uint32_t row = hak_node_map_row(&c->nodes, id);
    if (row == 0 && id < c->nodes.stored && page_of(c, rows->writer, rows->node_count, id))
        row = hak_node_map_row(&c->nodes, id);
    return row;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* The row of a node whose parent has row `parent`. Equal nodes get several ids once a program comes
 * half round its ring (stacks/table.c), and may have a row from a worker before: then it is looked
 * for. */
static uint32_t make_path_rows(struct hak_client *c, struct hak_rows *rows, uint32_t id,
                               uint32_t process_index, uint64_t ns, bool may_refer);

/* The ip of a node as the store has it: of an interpreter's frame with the row of its line node
 * (trace/frame_node.h), 0 where that is none. */
static uint64_t stored_ip(struct hak_client *c, struct hak_rows *rows, uint64_t ip,
                          uint32_t process_index, uint64_t ns, bool may_refer) {
    if (hak_frame_node_kind(ip) != HAK_FRAME_NODE_FRAME)
        return ip;
    uint32_t line = hak_frame_node_number(ip);
    uint32_t row = may_refer && line ? make_path_rows(c, rows, line, process_index, ns, false) : 0;
    return hak_frame_node_ip(HAK_FRAME_NODE_FRAME, row);
}

/* The row of a node of the session: found if it may be known from an earlier worker or part of the
 * map, else added. 0 without memory. */
static uint32_t make_node_row(struct hak_client *c, struct hak_rows *rows, const struct hak_node *n,
                              uint32_t parent, uint64_t ip, uint32_t process_index, uint64_t ns) {
    uint32_t owner = n->owner >> OWNER_SHIFT, generation = n->owner & GENERATION_MASK;
    uint32_t process =
        hak_client_process_row(c, rows, owner < HAK_PROCESSES ? owner : process_index, ns);
    bool may_be_known = c->knows_nodes || c->nodes.taken >= c->map.head.node_capacity / 2;
    return may_be_known ? hak_rows_find_node(rows, parent, process, generation, ip)
                        : hak_rows_add_node(rows, parent, process, generation, ip);
}

/* Makes the rows of a node and its parents: up to the first frame that is known, then down again,
 * as parents get their rows first. Returns the node's row; 0 where a frame is missing. */
static uint32_t make_path_rows(struct hak_client *c, struct hak_rows *rows, uint32_t id,
                               uint32_t process_index, uint64_t ns, bool may_refer) {
    uint32_t path[STACK_DEPTH_MAX];
    struct hak_node nodes[STACK_DEPTH_MAX];
    uint32_t depth = 0, row = 0;
    while (id != 0 && (row = find_node_row(c, rows, id)) == 0) {
        if (depth == STACK_DEPTH_MAX || !hak_mapping_node(&c->map, id, &nodes[depth]))
            return 0;
        path[depth] = id;
        id = nodes[depth++].parent;
    }
    while (depth > 0) {
        depth--;
        uint64_t ip = stored_ip(c, rows, nodes[depth].ip, process_index, ns, may_refer);
        struct hak_node_page *page = page_of(c, rows->writer, rows->node_count, path[depth]);
        row = page ? make_node_row(c, rows, &nodes[depth], row, ip, process_index, ns) : 0;
        if (row == 0) {
            rows->out_of_memory |= !page;
            return 0;
        }
        page->row[path[depth] & (HAK_NODE_PAGE_IDS - 1)] = row;
        page->is_changed |= path[depth] < c->nodes.put;
    }
    return row;
}

uint32_t hak_client_node_row(struct hak_client *client, struct hak_rows *rows, uint32_t id,
                             uint32_t process_index, uint64_t ns) {
    if (id == 0)
        return 0;
    uint32_t row = make_path_rows(client, rows, id, process_index, ns, true);
    if (row == 0)
        client->processes[process_index].unknown_stacks++;
    return row;
}

/* ---- taking nodes in order ------------------------------------------------------------------- */

static uint32_t count_ids(const struct hak_client *c) {
    uint32_t count = atomic_load(&hak_mapping_header(&c->map)->node_count);
    uint32_t max = hak_mapping_node_ids_max(&c->map);
    return count < max ? count : max;
}

void hak_node_map_read_count(struct hak_client *client) {
    client->nodes.taken = count_ids(client);
}

uint32_t hak_node_map_want(struct hak_client *client) {
    client->nodes.wanted = count_ids(client);
    return client->nodes.wanted;
}

bool hak_node_map_is_settled(const struct hak_client *client, uint32_t end) {
    return client->is_file || end <= client->nodes.settled;
}

/* The id up to which nodes are taken in order: a session of few nodes, or one that nobody writes
 * into any more, needs none before a record names it. */
static uint32_t end_of_taking(const struct hak_client *c) {
    const struct hak_node_map *m = &c->nodes;
    if (c->is_file)
        return 0;
    return m->taken >= c->map.head.node_capacity / 2 || m->wanted > m->taken ? m->taken : m->wanted;
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
    uint32_t end = end_of_taking(client);
    struct hak_node node;
    if (m->front >= end)
        return;
    rows->out_of_memory = false; /* of an earlier turn */
    if (m->front < mapped && mapped <= m->taken)
        m->front = m->put = m->stored = mapped; /* a store that was lost had these */
    for (uint32_t left = AT_ONCE; left > 0 && m->front < end; left--) {
        bool is_there = hak_mapping_node(&client->map, m->front, &node);
        if (!is_there && !is_past_hole(client, now_ns))
            return;
        if (is_there && has_process(client, &node))
            (void)make_path_rows(client, rows, m->front, node.owner >> OWNER_SHIFT, 0, true);
        if (rows->out_of_memory)
            return;
        m->front++;
    }
}

bool hak_node_map_waits(const struct hak_client *client) {
    uint32_t count =
        atomic_load_explicit(&hak_mapping_header(&client->map)->node_count, memory_order_relaxed);
    uint64_t capacity = client->map.head.node_capacity;
    return !client->is_file && count >= capacity / 2 &&
           count <= hak_mapping_node_ids_max(&client->map) &&
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

int hak_node_map_put(struct hak_client *client, const struct hak_rows *rows,
                     struct hak_store_writer *writer) {
    static uint8_t blob[BLOB_BYTES_MAX + 2 * HAK_VARINT_BYTES]; /* one worker thread */
    struct hak_node_map *m = &client->nodes;
    int error = 0;
    while (error == 0 && m->put < m->front) {
        uint32_t first = m->put & ~(uint32_t)(HAK_NODE_PAGE_IDS - 1);
        uint32_t end = m->front - first < HAK_NODE_PAGE_IDS ? m->front : first + HAK_NODE_PAGE_IDS;
        if (!page_of(client, writer, rows->node_count, first))
            return hak_store_no_memory(hak_store_writer_database(writer)->path);
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
    m->stored = m->settled = m->put;
    hak_node_map_release_up_to(client, m->stored);
}

void hak_node_map_release_up_to(struct hak_client *client, uint32_t id) {
    struct hak_session *session = hak_mapping_header(&client->map);
    if (client->is_file || atomic_load(&session->nodes_mapped) >= id ||
        id > atomic_load(&session->node_count))
        return;
    atomic_store(&session->nodes_mapped, id);
    client->moved = true;
}

void hak_node_map_lose(struct hak_client *client) {
    hak_node_map_rolled_back(client);
    client->nodes.settled = client->nodes.front;
    hak_node_map_release_up_to(client, client->nodes.front);
}

int hak_node_map_load(struct hak_client *client, struct hak_store_writer *writer) {
    struct hak_node_map *m = &client->nodes;
    uint64_t end = 0;
    int error = hak_store_node_map_end(writer, client->number, &end);
    if (error == 0 && end <= hak_mapping_node_ids_max(&client->map) && end > m->front)
        m->front = m->put = m->stored = m->settled = (uint32_t)end;
    return error;
}
