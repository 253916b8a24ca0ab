/* The door of stacks: nodes as they are written, read by id and shown as frames; and the texts that
 * many rows share.
 *
 *   node_writer -> blobs of nodes (table node_chunk) -> node_reader -> frames, functions, callers
 *                  plain_nodes -> table plain_node, for SQLite without hakmem
 *   names -------> table name
 *
 * The maker of a reader or a writer owns it; each belongs to one thread, there is no lock. It calls
 * base, the database and pack, no other room. */
#ifndef HAK_STORE_STACKS_STACKS_H
#define HAK_STORE_STACKS_STACKS_H

#include "base/bytes.h"
#include "store/frame.h"
#include "store/stacks/callers.h"
#include "store/stacks/functions.h"
#include "store/stacks/modules.h"
#include "store/stacks/names.h"
#include "store/stacks/node_reader.h"
#include "store/stacks/node_writer.h"
#include "store/stacks/plain_nodes.h"

/* Turns stacks into frames; rested or freed, it holds no statement. */
struct hak_stack_reader {
    struct hak_database db;
    struct hak_node_reader *nodes;
    struct hak_buffer text;         /* strings of the frames handed out last */
    struct hak_functions functions; /* of stacks that were asked, until it rests */
    struct hak_modules modules;     /* of processes that were asked, as long */
    int error_code;                 /* of `error` */
    char *error; /* why a stack could not be read, the first time; NULL = all could */
};

int hak_stack_reader_init(struct hak_stack_reader *r, const struct hak_database *db);
void hak_stack_reader_release(struct hak_stack_reader *r);
void hak_stack_reader_free(struct hak_stack_reader *r);
/* As hak_store_frames and its like (reader.h). */
int hak_stacks_frames(struct hak_stack_reader *r, uint32_t stack, struct hak_frame *out, int max);

/* The function of the innermost frame of the stack that has a name; NULL: none has, or an error. */
const char *hak_stacks_function(struct hak_stack_reader *r, uint32_t stack);
int hak_stacks_node(struct hak_stack_reader *r, uint32_t id, struct hak_node_row *out);

/* Fills in the frames of one node, `max` at most, with texts that last until the next call. Returns
 * how many, or an error. */
int hak_stacks_node_frames(struct hak_stack_reader *r, const struct hak_node_row *node,
                           struct hak_frame *out, int max);

#endif
