/* The writer's insides, shared by writer.c (file, transactions, events) and writer/rows.c (rows).
 */
#ifndef HAK_STORE_WRITER_STATE_H
#define HAK_STORE_WRITER_STATE_H

#include "store/codec/codec.h"
#include "store/stacks/stacks.h"
#include "store/live/live.h"
#include "store/postings/postings.h"
#include "store/writer/order.h"
#include "store/writer/writer.h"

/* One prepared statement for each kind of row; the order is that of row_sql in writer/rows.c. */
enum hak_row_statement {
    HAK_ROW_META,
    HAK_ROW_PROCESS,
    HAK_ROW_THREAD,
    HAK_ROW_IMAGE,
    HAK_ROW_MAPPING,
    HAK_ROW_NODE_MAP,
    HAK_ROW_SYMBOL,
    HAK_ROW_FAULT,
    HAK_ROW_LOSS,
    HAK_ROW_SUPPRESSION,
    HAK_ROW_LEAK,
    HAK_ROW_LEAK_SCAN,
    HAK_ROW_CURSOR,
    HAK_ROW_MARK,
    HAK_ROW_SAMPLE,
    HAK_ROW_CHUNK,
    HAK_ROW_CHUNK_DATA,
    HAK_ROW_STATEMENTS
};

struct hak_store_writer {
    struct hak_database db;
    int fd; /* holds the writer's lock; closed after the database, or SQLite would lose its locks */
    sqlite3_stmt *row[HAK_ROW_STATEMENTS];
    char *meta_value;
    struct hak_columns columns; /* of the chunk being filled by hak_store_put_events */
    uint32_t pending_count;
    uint64_t last_event; /* pending ones included */
    uint64_t last_committed_event;
    bool in_transaction;
    bool taken_back; /* the last transaction was; nothing was committed since */
    struct hak_buffer blob;
    struct hak_live_writer *live;
    struct hak_node_writer *nodes;
    struct hak_posting_writer *postings;
    struct hak_names *names;
    struct hak_order_watch *order;
};

/* Runs the statement that has its values bound; 0 or an error that says what was `doing`. */
int hak_writer_step(struct hak_store_writer *w, enum hak_row_statement which, const char *doing);
/* The prepared statement of a row kind, NULL on error (the message is set). */
sqlite3_stmt *hak_writer_row(struct hak_store_writer *w, enum hak_row_statement which);

#endif
