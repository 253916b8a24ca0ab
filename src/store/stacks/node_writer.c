/* Gathers stack nodes into blobs and writes them. */
#include "store/stacks/node_writer.h"

#include <stdbool.h>
#include <stdlib.h>
#include "store/stacks/node_reader.h"
#include "store/stacks/nodes.h"
#include "store/error.h"

#define LEFT_ALONE 4096 /* nodes of a blob that does not grow any more */

struct hak_node_writer {
    struct hak_database db;
    struct hak_node_coder *coder;
    struct hak_buffer blob;
    struct hak_node_reader *reader; /* NULL = nothing was read */
    uint64_t last_id;               /* of all nodes put; 0 = none yet */
    uint32_t count;
    bool dirty;                              /* not all of them are in the database */
    struct hak_node_row rows[HAK_NODES_MAX]; /* of the newest blob */
};

/* The highest id of the store: a worker that goes on draws greater ones. */
static int find_last(struct hak_node_writer *n) {
    static const char sql[] = "SELECT id + nodes - 1, ?1 FROM node_chunk ORDER BY id DESC LIMIT 1";
    int found = hak_database_numbers(&n->db, sql, 0, &n->last_id, 1);
    return found < 0 ? found : 0;
}

int hak_node_writer_make(const struct hak_database *db, struct hak_node_writer **out) {
    struct hak_node_writer *n = malloc(sizeof *n);
    *out = NULL;
    if (!n)
        return hak_store_no_memory(db->path);
    n->db = *db;
    n->blob = (struct hak_buffer){0};
    n->reader = NULL;
    n->count = 0;
    n->dirty = false;
    n->coder = hak_node_coder_make();
    int error = n->coder ? find_last(n) : hak_store_no_memory(db->path);
    if (error)
        hak_node_writer_free(n);
    else
        *out = n;
    return error;
}

void hak_node_writer_free(struct hak_node_writer *n) {
    if (!n)
        return;
    hak_node_reader_free(n->reader);
    hak_node_coder_free(n->coder);
    hak_buffer_free(&n->blob);
    free(n);
}

/* Stores the open blob, in the place of an earlier shorter one. 0, or an error. */
static int write_blob(struct hak_node_writer *n) {
    n->blob.size = 0;
    if (!hak_nodes_encode(n->coder, n->rows, n->count, &n->blob))
        return hak_store_no_memory(n->db.path);
    n->dirty = false;
    return hak_do(&n->db, "INSERT OR REPLACE INTO node_chunk VALUES(?, ?, ?)", "storing stacks",
                  HAK_NUMBER(n->rows[0].id), HAK_NUMBER(n->count),
                  HAK_BYTES(n->blob.data, n->blob.size));
}

int hak_node_writer_put(struct hak_node_writer *n, const struct hak_node_row *row) {
    if (row->id <= n->last_id || row->id == UINT32_MAX || row->parent >= row->id)
        return hak_store_fail(HAK_STORE_INTERNAL,
                              "%s: stack node %u of %u was handed over after %llu; ids ascend, and "
                              "parents come first",
                              n->db.path, row->id, row->parent, (unsigned long long)n->last_id);
    if (n->count == HAK_NODES_MAX || (n->count && row->id != n->last_id + 1)) {
        int error = n->dirty ? write_blob(n) : 0;
        if (error)
            return error;
        n->count = 0;
    }
    n->rows[n->count++] = *row;
    n->last_id = row->id;
    n->dirty = true;
    return 0;
}

int hak_node_writer_get(struct hak_node_writer *n, uint32_t id, struct hak_node_row *out) {
    int error = n->reader ? 0 : hak_node_reader_make(&n->db, &n->reader);
    return error ? error : hak_node_reader_get(n->reader, id, out);
}

int hak_node_writer_flush(struct hak_node_writer *n) {
    int error = n->dirty ? write_blob(n) : 0;
    if (!error && n->count >= LEFT_ALONE)
        n->count = 0;
    return error;
}

void hak_node_writer_rolled_back(struct hak_node_writer *n) {
    hak_node_reader_free(n->reader);
    n->reader = NULL;
    n->count = 0; /* the blob that was being extended stays as it was committed */
    n->dirty = false;
    find_last(n);
}
