/* Gathers the stack nodes of a writer into blobs (nodes.h).
 *
 * Few come with each commit, so the newest blob is written again, longer, until it is worth
 * leaving. Functions return 0 or a hak_store_error; for the writer's thread. */
#ifndef HAK_STORE_STACKS_NODE_WRITER_H
#define HAK_STORE_STACKS_NODE_WRITER_H

#include "store/database.h"
#include "store/node.h"

struct hak_node_writer;

/* Makes a writer of nodes that goes on behind those that are stored. 0, or an error; `out` is NULL
 * then. */
int hak_node_writer_make(const struct hak_database *db, struct hak_node_writer **out);
void hak_node_writer_free(struct hak_node_writer *nodes);
/* Puts a node; ids ascend, and are greater than their parents': else it is an error. A full blob is
 * stored. 0, or an error. */
int hak_node_writer_put(struct hak_node_writer *nodes, const struct hak_node_row *row);
/* A node that is committed: 1 found, 0 not there, or an error. */
int hak_node_writer_get(struct hak_node_writer *nodes, uint32_t id, struct hak_node_row *out);
/* Writes the nodes put since the last time; before COMMIT. */
int hak_node_writer_flush(struct hak_node_writer *nodes);
/* The transaction was taken back: forgets the nodes put since the last commit. */
void hak_node_writer_rolled_back(struct hak_node_writer *nodes);

#endif
