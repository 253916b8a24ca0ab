/* Reads stack nodes of a store by id.
 *
 * Some blobs stay decoded: a stack's frames lie in few of them. A node never changes once it is
 * committed. For one thread; memory is constant. */
#ifndef HAK_STORE_STACKS_NODE_READER_H
#define HAK_STORE_STACKS_NODE_READER_H

#include "store/database.h"
#include "store/node.h"

struct hak_node_reader;

/* Makes a reader of stack nodes. 0 or an error. */
int hak_node_reader_make(const struct hak_database *db, struct hak_node_reader **out);
void hak_node_reader_free(struct hak_node_reader *reader);

/* The node `id`: 1 found, 0 not there, or an error. */
int hak_node_reader_get(struct hak_node_reader *reader, uint32_t id, struct hak_node_row *out);
/* Reads the node with the lowest id from `id` on. 1 found, 0 none, or an error. */
int hak_node_reader_next(struct hak_node_reader *reader, uint32_t id, struct hak_node_row *out);

/* The number of nodes in the store, or an error. */
int64_t hak_node_reader_count(struct hak_node_reader *reader);

/* Makes `node` a table of this connection, with the columns id, parent, process, generation and ip,
 * where the store has nodes as blobs. 0 or an error; it may be called again. */
int hak_store_add_node_table(const struct hak_database *db);

#endif
