/* The writer's insides, shared by writer.c (file, transactions, events) and writer/rows.c (rows).
 */
#ifndef HAK_STORE_WRITER_INNER_H
#define HAK_STORE_WRITER_INNER_H

#include "store/codec/codec.h"
#include "store/stacks/stacks.h"
#include "store/live/live.h"
#include "store/postings/postings.h"
#include "store/profile/profile.h"
#include "store/writer/order.h"
#include "store/writer/writer.h"

struct hak_store_writer {
    struct hak_database db;
    int fd; /* holds the writer's lock; closed after the database, or SQLite would lose its locks */
    char *meta_value;
    uint64_t last_event;
    uint64_t last_committed_event;
    bool in_transaction;
    bool is_profile_only;
    bool taken_back; /* the last transaction was; nothing was committed since */
    struct hak_buffer blob;
    struct hak_live_writer *live;
    struct hak_node_writer *nodes;
    struct hak_posting_writer *postings;
    struct hak_names *names;
    struct hak_order_watch *order;
    struct hak_profile_writer *profile;
};

/* Rows for the SuperSlabs that the chunk maps and unmaps; 0 or an error. */
int hak_store_put_superslabs(struct hak_store_writer *w, const struct hak_columns *c,
                             uint64_t first_id);

#endif
