/* Finds stack nodes by id, and keeps the blobs decoded that were used last. */
#include "store/stacks/node_reader.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "store/error.h"
#include "store/stacks/nodes.h"

/* Some 200 KiB each: 4,000,000 nodes, whose stacks climb from blob to blob. */
enum { BLOBS = 512 };

struct kept_blob {
    uint32_t first, count; /* count 0 = none: it was damaged */
    uint64_t used;
    struct hak_node_row nodes[HAK_NODES_MAX];
};

struct hak_node_reader {
    struct hak_database db;
    uint64_t uses;
    struct kept_blob *last;
    struct kept_blob *kept[BLOBS]; /* by their first nodes */
    int blobs;
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
    for (int i = 0; i < r->blobs; i++)
        free(r->kept[i]);
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

/* How many kept blobs begin at `id` or before it. */
static int count_up_to(const struct hak_node_reader *r, uint32_t id) {
    int low = 0, high = r->blobs;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (r->kept[middle]->first <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Takes the place of the blob that begins at `first`, of a new one, or of the one used least
 * recently, out of the list. NULL without memory. */
static struct kept_blob *take_place(struct hak_node_reader *r, uint32_t first) {
    int at = count_up_to(r, first) - 1;
    if (at < 0 || r->kept[at]->first != first) {
        struct kept_blob *new = r->blobs < BLOBS ? malloc(sizeof *new) : NULL;
        if (new || !r->blobs)
            return new;
        at = 0;
        for (int i = 1; i < r->blobs; i++)
            if (r->kept[i]->used < r->kept[at]->used)
                at = i;
    }
    struct kept_blob *k = r->kept[at];
    r->blobs--;
    memmove(&r->kept[at], &r->kept[at + 1], (size_t)(r->blobs - at) * sizeof k);
    return k;
}

/* Decodes the row and keeps it. 0, or an error: it is damaged. */
static int decode_row(struct hak_node_reader *r, const struct hak_query *q,
                      struct kept_blob **out) {
    uint32_t first = hak_query_id(q, 0);
    if (!r->coder && !(r->coder = hak_node_coder_make()))
        return hak_store_no_memory(r->db.path);
    r->last = NULL;
    struct kept_blob *k = take_place(r, first);
    if (!k)
        return hak_store_no_memory(r->db.path);
    k->used = k->count = 0;
    const char *wrong =
        hak_nodes_decode(r->coder, sqlite3_column_blob(q->statement, 2),
                         (size_t)sqlite3_column_bytes(q->statement, 2), k->nodes, &k->count);
    if (!wrong && (k->nodes[0].id != first || k->count != hak_query_number(q, 1)))
        wrong = "its nodes are not those that its row names";
    if (wrong)
        k->count = 0;
    k->first = first;
    int at = count_up_to(r, first);
    memmove(&r->kept[at + 1], &r->kept[at], (size_t)(r->blobs - at) * sizeof k);
    r->kept[at] = k;
    r->blobs++;
    if (wrong)
        return hak_store_fail_wrong(
            wrong, r->db.path,
            "%s: the stack nodes from %u on are damaged: %s; copy the store "
            "again from where it was made",
            r->db.path, first, wrong);
    *out = k;
    return 0;
}

/* The decoded blob that holds the node; NULL: none does. */
static struct kept_blob *find_kept(struct hak_node_reader *r, uint32_t id) {
    if (r->last && id - r->last->first < r->last->count)
        return r->last;
    int at = count_up_to(r, id) - 1;
    return at >= 0 && id - r->kept[at]->first < r->kept[at]->count ? r->kept[at] : NULL;
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
