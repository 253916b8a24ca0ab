/* The stack nodes that a writer puts, gathered into blobs (nodes.h).
 *
 * Few come with each commit, so the newest blob is written again, longer, until it is worth
 * leaving.
 */
#ifndef HAK_STORE_STACKS_NODE_WRITER_H
#define HAK_STORE_STACKS_NODE_WRITER_H

struct hak_store_writer;
struct hak_node_writer;

/* Writes what was put since the last time; before COMMIT. 0 or an error. */
int hak_node_writer_flush(struct hak_store_writer *w);
/* Gives back what holds the connection; before it is closed. */
void hak_node_writer_rest(struct hak_store_writer *w);
/* The transaction was taken back: what was put since the last commit is forgotten. */
void hak_node_writer_rolled_back(struct hak_store_writer *w);
void hak_node_writer_free(struct hak_node_writer *nodes);

#endif
