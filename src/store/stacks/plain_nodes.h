/* Writes the nodes of the stacks that rows name into a table that any SQLite reads. */
#ifndef HAK_STORE_STACKS_PLAIN_NODES_H
#define HAK_STORE_STACKS_PLAIN_NODES_H

#include "store/database.h"
#include "store/stacks/node_writer.h"

/* Fills plain_node with all frames of the stacks of leak and thread, which must be committed; in
 * the caller's transaction. 0 or an error. */
int hak_plain_nodes_put(const struct hak_database *db, struct hak_node_writer *nodes);

#endif
