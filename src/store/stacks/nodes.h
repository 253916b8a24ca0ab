/* Stack nodes as coded blobs: a run of nodes with ids without gaps, each one's parent before it.
 * The form is written down in docs/specs/store.md, "Nodes". A blob is read by itself. */
#ifndef HAK_STORE_STACKS_NODES_H
#define HAK_STORE_STACKS_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/bytes.h"
#include "store/node.h"

#define HAK_NODES_FORMAT       1
#define HAK_NODES_MAX          8192u /* nodes of one blob */
#define HAK_NODES_HEADER_BYTES 52

/* Working memory of encoder and decoder, about 600 KiB. For one thread. */
struct hak_node_coder;
struct hak_node_coder *hak_node_coder_make(void);
void hak_node_coder_free(struct hak_node_coder *coder);

/* Appends the blob of `count` nodes (1 to HAK_NODES_MAX) to `out`. Their ids must follow one
 * another and be above 0, and a parent's id must be below its child's. False when memory is out. */
bool hak_nodes_encode(struct hak_node_coder *coder, const struct hak_node_row *nodes,
                      uint32_t count, struct hak_buffer *out);

/* Fills `nodes` (room for HAK_NODES_MAX) and `count`. Returns NULL, or what is wrong with the blob;
 * any bytes may come. */
const char *hak_nodes_decode(struct hak_node_coder *coder, const uint8_t *blob, size_t blob_bytes,
                             struct hak_node_row *nodes, uint32_t *count);

#endif
