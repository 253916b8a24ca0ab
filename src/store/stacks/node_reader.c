/* Finds stack nodes by id, and keeps the blobs decoded that were used last. */
#include "store/stacks/node_reader.h"

#include <stdbool.h>
#include <stdlib.h>
#include "store/error.h"
#include "store/stacks/nodes.h"

enum { BLOBS = 24 }; /* some 200 KiB each */

struct kept_blob {
    uint32_t first, count; /* count 0 = none */
    uint64_t used;
    struct hak_node_row *nodes; /* HAK_NODES_MAX */
};

struct hak_node_reader {
    struct hak_database db;
    uint64_t uses;
    struct kept_blob *last;
    struct kept_blob kept[BLOBS];
    struct hak_node_coder *coder;
};

int hak_node_reader_make(const struct hak_database *db, struct hak_node_reader **out) {
    *out = calloc(1, sizeof **out);
    if (!*out)
        return hak_store_no_memory(db->path);
    (*out)->db = *db;
    return 0;
}

void hak_node_reader_free(struct hak_node_reader *r) {
    if (!r)
        return;
    for (int i = 0; i < BLOBS; i++)
        free(r->kept[i].nodes);
    hak_node_coder_free(r->coder);
    free(r);
}

int64_t hak_node_reader_count(struct hak_node_reader *r) {
    uint64_t count;
    int found = hak_database_numbers(&r->db, "SELECT coalesce(sum(nodes), 0), ?1 FROM node_chunk",
                                     0, &count, 1);
    return found < 0 ? found : (int64_t)count;
}

/* ---- blobs -------------------------------------------------------------------------------------
 */

/* Decodes the row into the place that was used least recently, or that has this blob. 0, or an
 * error: it is damaged. */
static int decode_row(struct hak_node_reader *r, const struct hak_query *q,
                      struct kept_blob **out) {
    struct kept_blob *k = &r->kept[0];
    uint32_t first = hak_query_id(q, 0);
    for (int i = 0; i < BLOBS; i++) {
        if (r->kept[i].count && r->kept[i].first == first) {
            k = &r->kept[i]; /* the same one, longer since */
            break;
        }
        if (r->kept[i].used < k->used)
            k = &r->kept[i];
    }
    if (!r->coder && !(r->coder = hak_node_coder_make()))
        return hak_store_no_memory(r->db.path);
    if (!k->nodes && !(k->nodes = malloc(HAK_NODES_MAX * sizeof *k->nodes)))
        return hak_store_no_memory(r->db.path);
    if (r->last == k)
        r->last = NULL;
    const char *wrong =
        hak_nodes_decode(r->coder, sqlite3_column_blob(q->statement, 2),
                         (size_t)sqlite3_column_bytes(q->statement, 2), k->nodes, &k->count);
    if (!wrong && (k->nodes[0].id != first || k->count != hak_query_number(q, 1))) {
        k->count = 0;
        wrong = "its nodes are not those that its row names";
    }
    if (wrong)
        return hak_store_fail_wrong(
            wrong, r->db.path,
            "%s: the stack nodes from %u on are damaged: %s; copy the store "
            "again from where it was made",
            r->db.path, first, wrong);
    k->first = first;
    *out = k;
    return 0;
}

/* The decoded blob that holds the node; NULL: none does. */
static struct kept_blob *find_kept(struct hak_node_reader *r, uint32_t id) {
    if (r->last && id - r->last->first < r->last->count)
        return r->last;
    for (int i = 0; i < BLOBS; i++)
        if (id - r->kept[i].first < r->kept[i].count)
            return &r->kept[i];
    return NULL;
}

/* The blob in which `id` lies, or the first one behind it: 1 found, 0 none, or an error. */
static int find_blob(struct hak_node_reader *r, bool is_behind, uint32_t id,
                     struct kept_blob **out) {
    struct hak_query q = hak_ask(
        &r->db,
        is_behind
            ? "SELECT id, nodes, data FROM node_chunk WHERE id >= ?1 ORDER BY id LIMIT 1"
            : "SELECT id, nodes, data FROM node_chunk WHERE id <= ?1 ORDER BY id DESC LIMIT 1",
        "reading a stack", id);
    bool found =
        hak_query_next(&q) && (is_behind || id - hak_query_number(&q, 0) < hak_query_number(&q, 1));
    int error = found ? decode_row(r, &q, out) : 0;
    int unread = hak_query_end(&q);
    return error ? error : unread ? unread : found;
}

/* Copies node `id` of the blob, or its first one when that is above. 1, or 0: the blob ends before
 * it. */
static int copy_node(struct hak_node_reader *r, struct kept_blob *k, uint32_t id,
                     struct hak_node_row *out) {
    k->used = ++r->uses;
    r->last = k;
    uint32_t at = id > k->first ? id - k->first : 0;
    if (at >= k->count)
        return 0;
    *out = k->nodes[at];
    return 1;
}

int hak_node_reader_get(struct hak_node_reader *r, uint32_t id, struct hak_node_row *out) {
    struct kept_blob *k = id ? find_kept(r, id) : NULL;
    if (k)
        return copy_node(r, k, id, out);
    int found = id ? find_blob(r, false, id, &k) : 0;
    return found > 0 ? copy_node(r, k, id, out) : found;
}

int hak_node_reader_next(struct hak_node_reader *r, uint32_t id, struct hak_node_row *out) {
    struct kept_blob *k;
    int found = hak_node_reader_get(r, id, out);
    if (found)
        return found;
    found = find_blob(r, true, id, &k);
    return found > 0 ? copy_node(r, k, id, out) : found;
}
