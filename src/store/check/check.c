/* Checks that a capture is intact: the file, every chunk and posting, every reference, every
 * block's path. */
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "store/check/live.h"
#include "store/check/order.h"
#include "store/check/profile.h"
#include "store/check/runs.h"
#include "store/check/superslabs.h"
#include "store/stacks/stacks.h"
#include "store/reader/inner.h"
#include "store/check/check.h"

#define NODES_MAX ((uint64_t)1 << 30) /* greater ids are damage */

struct checker {
    struct hak_store_reader *reader;
    struct hak_check_findings findings;
    struct hak_profile_check *profile; /* NULL = none is stored */
    bool has_nodes;                    /* every node could be read */
    struct hak_order_check *order;
    struct hak_live_check *live;
    struct hak_columns columns;
    struct hak_posting_check *runs;
    uint8_t *known_node; /* bit n: node n is there */
    uint64_t nodes;
    uint32_t node_bytes; /* of known_node */
};

/* ---- rows --------------------------------------------------------------------------------------
 */

/* Has SQLite check its pages, and adds up to 20 complaints as findings. Not on a server. */
static int check_file(struct checker *c) {
    if (c->reader->is_on_server)
        return 0; /* the server looks after its pages */
    struct hak_query q = hak_ask(&c->reader->db, "PRAGMA quick_check(20)", "checking its rows");
    while (hak_query_next(&q))
        if (strcmp(hak_query_text(&q, 0), "ok") != 0)
            hak_check_add(&c->findings, HAK_CHECK_FILE, 0, .text = hak_query_text(&q, 0));
    return hak_query_end(&q);
}

/* Asks queries whose rows (id, other, text) are findings each. 0, or an error of the store. */
static int check_rows(struct checker *c) {
    static const struct {
        enum hak_check_kind kind;
        const char *sql;
    } queries[] = {
        {HAK_CHECK_THREAD_PROCESS, "SELECT id, process, '' FROM thread"
                                   " WHERE process NOT IN (SELECT id FROM process)"},
        {HAK_CHECK_MODULE_PROCESS, "SELECT id, process, path FROM module"
                                   " WHERE process NOT IN (SELECT id FROM process)"},
        {HAK_CHECK_PROCESS_PARENT, "SELECT id, parent, '' FROM process"
                                   " WHERE parent <> 0 AND parent NOT IN (SELECT id FROM process)"},
        {HAK_CHECK_FAULT_EVENT,
         "SELECT id, event, '' FROM fault f WHERE event <> 0 AND event >"
         " (SELECT coalesce(CAST(max(value) AS INTEGER), 0) FROM meta WHERE key = 'trimmed_events')"
         " AND NOT EXISTS (SELECT 1 FROM meta WHERE key = 'profile_only')"
         " AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.id <= f.event"
         " AND f.event < c.id + c.events)"},
        {HAK_CHECK_DISORDERED, "SELECT f.value, n.value, '' FROM meta n, meta f"
                               " WHERE n.key = 'disordered_events' AND f.key = 'disordered_first'"},
    };
    int error = check_file(c);
    for (size_t i = 0; i < sizeof queries / sizeof *queries && !error; i++) {
        struct hak_query q = hak_ask(&c->reader->db, queries[i].sql, "checking its rows");
        while (hak_query_next(&q))
            hak_check_add(&c->findings, queries[i].kind, hak_query_number(&q, 0),
                          .other = hak_query_number(&q, 1), .text = hak_query_text(&q, 2));
        error = hak_query_end(&q);
    }
    return error;
}

static bool is_node(const struct checker *c, uint64_t node) {
    return node < c->nodes && c->known_node[node / 8] >> node % 8 & 1;
}

/* Notes that the stack node is in the store. False without memory. */
static bool note_node(struct checker *c, uint64_t node) {
    if (!hak_growing_reach(&c->known_node, node / 8, &c->node_bytes, 1))
        return false;
    c->nodes = 8 * (uint64_t)c->node_bytes;
    c->known_node[node / 8] |= (uint8_t)(1u << node % 8);
    return true;
}

/* Goes through all nodes; a parent that is missing, or a process, is a finding. A parent has a
 * lower id, or its blob is broken (nodes.h). 0, or an error. */
static int check_nodes(struct checker *c) {
    struct hak_node_row node = {0};
    uint64_t last_process = 0, value;
    int found;
    while ((found = hak_node_reader_next(c->reader->stacks.nodes, node.id + 1, &node)) == 1) {
        if (node.id >= NODES_MAX)
            break;
        if (!note_node(c, node.id))
            return hak_store_no_memory(c->reader->db.path);
        if (node.parent && !is_node(c, node.parent))
            hak_check_add(&c->findings, HAK_CHECK_NODE_PARENT, node.id, .other = node.parent);
        if (node.process == last_process)
            continue;
        int known = hak_database_numbers(&c->reader->db, "SELECT 1 FROM process WHERE id = ?1",
                                         node.process, &value, 1);
        if (known < 0)
            return known;
        if (known == 0)
            hak_check_add(&c->findings, HAK_CHECK_NODE_PROCESS, node.id, .other = node.process);
        last_process = node.process;
    }
    if (found == HAK_STORE_BROKEN) { /* stacks behind it are not known: no word about them */
        hak_check_add(&c->findings, HAK_CHECK_FILE, 0, .text = hak_store_message());
        return 0;
    }
    c->has_nodes = found >= 0;
    return found < 0 ? found : 0;
}

/* Checks plain_node: reports the first row that is not the node of its id, and the first frame that
 * lacks. 0, or an error. */
static int check_plain_nodes(struct checker *c) {
    if (!c->has_nodes ||
        !hak_database_number(&c->reader->db, "SELECT EXISTS (SELECT 1 FROM plain_node)", 0))
        return 0;
    struct hak_query q =
        hak_ask(&c->reader->db, "SELECT id, parent, process, generation, ip FROM plain_node",
                "checking stacks of leaks");
    int found = 1;
    while (hak_query_next(&q)) {
        struct hak_node_row node = {0};
        uint64_t id = hak_query_number(&q, 0);
        found =
            id > UINT32_MAX ? 0 : hak_node_reader_get(c->reader->stacks.nodes, (uint32_t)id, &node);
        if (found == 1 && node.parent == hak_query_number(&q, 1) &&
            node.process == hak_query_number(&q, 2) && node.generation == hak_query_number(&q, 3) &&
            node.ip == hak_query_number(&q, 4))
            continue;
        if (found >= 0)
            hak_check_add(&c->findings, HAK_CHECK_PLAIN_NODE, id,
                          .text = "it is not the stack node of its number");
        break;
    }
    int error = hak_query_end(&q);
    if (error || found < 0)
        return error ? error : found;
    q = hak_ask(&c->reader->db,
                "SELECT id FROM (SELECT parent AS id FROM plain_node UNION SELECT stack FROM leak"
                " UNION SELECT stack FROM thread) WHERE id <> 0"
                " AND id NOT IN (SELECT id FROM plain_node)"
                " AND EXISTS (SELECT 1 FROM meta WHERE key = 'finished') LIMIT 1",
                "checking stacks of leaks");
    if (hak_query_next(&q))
        hak_check_add(&c->findings, HAK_CHECK_PLAIN_NODE, hak_query_number(&q, 0),
                      .text = "a frame of its stack is missing");
    return hak_query_end(&q);
}

/* ---- chunks ------------------------------------------------------------------------------------
 */

/* A finding for each stack of the chunk whose node is missing. */
static void check_stacks(struct checker *c, uint64_t chunk) {
    for (uint32_t i = 0; i < c->columns.distinct[HAK_COLUMN_STACK]; i++) {
        uint64_t node = c->columns.dictionary[HAK_COLUMN_STACK][i];
        if (node && !is_node(c, node))
            hak_check_add(&c->findings, HAK_CHECK_CHUNK_STACK, chunk, .other = node);
    }
}

/* Checks one chunk: its encoding first, then what others say about its events. Returns an error
 * only of the store. */
static int check_chunk(struct checker *c, uint64_t id, int64_t events, const void *blob,
                       size_t bytes) {
    struct hak_chunk chunk;
    const char *wrong = hak_chunk_open(&chunk, blob, bytes);
    if (!wrong)
        wrong = hak_chunk_decode(&chunk, &c->columns, HAK_ALL_COLUMNS);
    if (!wrong && (chunk.first_id != id || chunk.events != events)) {
        chunk.wrong_column = "header";
        wrong = "it is not the chunk that its row speaks of";
    }
    if (wrong) {
        hak_check_add(&c->findings, HAK_CHECK_CHUNK, id, .column = chunk.wrong_column,
                      .text = wrong);
        hak_order_check_missing_chunk(c->order);
        hak_live_check_missing_chunk(c->live);
        hak_posting_check_missing_chunk(c->runs);
        return c->profile ? hak_profile_check_chunk(c->profile, NULL, id) : 0;
    }
    if (c->has_nodes)
        check_stacks(c, id);
    int error = hak_superslab_check_chunk(c->reader, &c->findings, &c->columns, id);
    if (!error)
        error = hak_order_check_chunk(c->order, &c->columns, id);
    if (!error)
        error = hak_live_check_chunk(c->live, &c->columns, id);
    if (!error)
        error = hak_posting_check_chunk(c->runs, id, &c->columns);
    return error || !c->profile ? error : hak_profile_check_chunk(c->profile, &c->columns, id);
}

/* Reports chunks that other tables name and that are missing behind the last one, also to the
 * checks of order and live blocks. 0, or an error. */
static int check_end(struct checker *c) {
    uint64_t first, min_ns;
    int found = hak_scan_find_end(c->reader, &first, &min_ns);
    if (found != 1)
        return found;
    hak_check_add(&c->findings, HAK_CHECK_EVENTS_MISSING, first);
    hak_order_check_missing_chunk(c->order);
    hak_live_check_missing_chunk(c->live);
    return 0;
}

/* Checks all chunks, in order, and that no events are missing between them. */
static int check_chunks(struct checker *c, uint64_t trimmed) {
    struct hak_query q = hak_ask(&c->reader->db,
                                 "SELECT c.id, c.events, d.data FROM chunk c LEFT JOIN chunk_data d"
                                 " ON d.chunk = c.id ORDER BY c.id",
                                 "checking its chunks");
    uint64_t due = trimmed + 1;
    int stopped = 0;
    while (!stopped && hak_query_next(&q)) {
        uint64_t id = hak_query_number(&q, 0);
        int64_t events = (int64_t)hak_query_number(&q, 1);
        if (id > due) {
            hak_check_add(&c->findings, HAK_CHECK_EVENTS_MISSING, due, .other = id - 1);
            hak_order_check_missing_chunk(c->order);
            hak_live_check_missing_chunk(c->live);
        }
        if (id < due)
            hak_check_add(&c->findings, HAK_CHECK_CHUNK_OVERLAPS, id);
        due = id + (uint64_t)events;
        if ((stopped = hak_watch_progress(c->reader, id, false)) != 0)
            break;
        stopped = check_chunk(c, id, events, sqlite3_column_blob(q.statement, 2),
                              (size_t)sqlite3_column_bytes(q.statement, 2));
    }
    int error = hak_query_end(&q);
    return stopped ? stopped : error ? error : check_end(c);
}

int hak_store_check(struct hak_store_reader *r,
                    void (*problem)(void *context, const struct hak_check_finding *finding),
                    void *context) {
    struct checker c = {.reader = r, .findings = {.each = problem, .context = context}};
    struct hak_store_summary summary;
    int error = hak_store_summarise(r, &summary);
    bool has_memory = hak_columns_init(&c.columns);
    if (!error && !has_memory)
        error = hak_store_no_memory(r->db.path);
    if (!error)
        error = check_rows(&c);
    if (!error)
        error = check_nodes(&c);
    if (!error)
        error = check_plain_nodes(&c);
    if (!error)
        error = hak_order_check_make(r, summary.trimmed_events > 0, &c.findings, &c.order);
    if (!error)
        error = hak_live_check_make(r, &c.findings, &c.live);
    if (!error)
        error = hak_posting_check_make(r, &c.findings, &c.runs);
    if (!error)
        error = hak_profile_check_make(r, &c.findings, &c.profile);
    hak_watch_doing("checking chunks");
    if (!error)
        error = check_chunks(&c, summary.trimmed_events);
    if (!error && c.runs)
        error = hak_posting_check_end(c.runs);
    if (!error)
        error = hak_superslab_check_finish(r, &c.findings);
    hak_watch_doing("following blocks");
    if (!error)
        error = hak_order_check_finish(c.order);
    if (!error)
        error = hak_live_check_finish(c.live);
    if (!error)
        hak_profile_check_finish(c.profile);
    hak_watch_doing("");
    hak_order_check_free(c.order);
    hak_live_check_free(c.live);
    hak_columns_free(&c.columns);
    hak_posting_check_free(c.runs);
    hak_profile_check_free(c.profile);
    free(c.known_node);
    if (!error && c.findings.memory_ended)
        error = hak_store_no_memory(r->db.path);
    return error ? error : c.findings.count;
}
