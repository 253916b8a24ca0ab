/* Gathers stack nodes into blobs and writes them. */
#include "store/stacks/node_writer.h"

#include <stdbool.h>
#include <stdlib.h>
#include "store/stacks/node_reader.h"
#include "store/stacks/nodes.h"
#include "store/writer/state.h"

#define LEFT_ALONE 4096 /* nodes of a blob that does not grow any more */

struct hak_node_writer {
    struct hak_node_coder *coder;
    struct hak_buffer blob;
    struct hak_node_reader *reader; /* NULL = nothing was read */
    uint64_t last_id;               /* of all nodes put; 0 = none yet */
    uint32_t count;
    bool dirty;                              /* not all of them are in the database */
    struct hak_node_row rows[HAK_NODES_MAX]; /* of the newest blob */
};

/* The highest id of the store: a worker that goes on draws greater ones. */
static uint64_t highest_id(struct hak_store_writer *w) {
    sqlite3_stmt *query;
    uint64_t id = 0;
    if (sqlite3_prepare_v2(w->database,
                           "SELECT id + nodes - 1 FROM node_chunk ORDER BY id DESC LIMIT 1", -1,
                           &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        id = (uint64_t)sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return id;
}

static struct hak_node_writer *nodes_of(struct hak_store_writer *w) {
    if (w->nodes)
        return w->nodes;
    struct hak_node_writer *n = malloc(sizeof *n);
    if (!n)
        return NULL;
    n->coder = hak_node_coder_make();
    n->blob = (struct hak_buffer){0};
    n->reader = NULL;
    n->last_id = highest_id(w);
    n->count = 0;
    n->dirty = false;
    if (!n->coder) {
        free(n);
        return NULL;
    }
    w->nodes = n;
    return n;
}

void hak_node_writer_free(struct hak_node_writer *n) {
    if (!n)
        return;
    hak_node_reader_free(n->reader);
    hak_node_coder_free(n->coder);
    hak_buffer_free(&n->blob);
    free(n);
}

static int write_blob(struct hak_store_writer *w, struct hak_node_writer *n) {
    sqlite3_stmt *s = hak_writer_row(w, HAK_ROW_NODE_CHUNK);
    if (!s)
        return HAK_STORE_INTERNAL;
    n->blob.size = 0;
    if (!hak_nodes_encode(n->coder, n->rows, n->count, &n->blob))
        return hak_store_no_memory(w->path);
    sqlite3_bind_int64(s, 1, n->rows[0].id);
    sqlite3_bind_int64(s, 2, n->count);
    sqlite3_bind_blob64(s, 3, n->blob.data, n->blob.size, SQLITE_STATIC);
    n->dirty = false;
    return hak_writer_step(w, HAK_ROW_NODE_CHUNK, "storing stacks");
}

int hak_store_put_node(struct hak_store_writer *w, const struct hak_node_row *row) {
    struct hak_node_writer *n = nodes_of(w);
    if (!n)
        return hak_store_no_memory(w->path);
    if (row->id <= n->last_id || row->id == UINT32_MAX || row->parent >= row->id)
        return hak_store_fail(HAK_STORE_INTERNAL,
                              "%s: stack node %u of %u was handed over after %llu; ids ascend, and "
                              "parents come first",
                              w->path, row->id, row->parent, (unsigned long long)n->last_id);
    if (n->count == HAK_NODES_MAX || (n->count && row->id != n->last_id + 1)) {
        int error = n->dirty ? write_blob(w, n) : 0;
        if (error)
            return error;
        n->count = 0;
    }
    n->rows[n->count++] = *row;
    n->last_id = row->id;
    n->dirty = true;
    return 0;
}

int hak_store_get_node(struct hak_store_writer *w, uint32_t id, struct hak_node_row *out) {
    struct hak_node_writer *n = nodes_of(w);
    if (!n)
        return hak_store_no_memory(w->path);
    int error = n->reader ? 0 : hak_node_reader_make(w->database, w->path, &n->reader);
    return error ? error : hak_node_reader_get(n->reader, id, out);
}

void hak_node_writer_rest(struct hak_store_writer *w) {
    if (w->nodes && w->nodes->reader)
        hak_node_reader_rest(w->nodes->reader);
}

int hak_node_writer_flush(struct hak_store_writer *w) {
    struct hak_node_writer *n = w->nodes;
    int error = n && n->dirty ? write_blob(w, n) : 0;
    if (!error && n && n->count >= LEFT_ALONE)
        n->count = 0;
    return error;
}

void hak_node_writer_rolled_back(struct hak_store_writer *w) {
    struct hak_node_writer *n = w->nodes;
    if (!n)
        return;
    hak_node_reader_free(n->reader);
    n->reader = NULL;
    n->count = 0; /* the blob that was being extended stays as it was committed */
    n->dirty = false;
    n->last_id = highest_id(w);
}
