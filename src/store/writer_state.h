/* The writer's insides, shared by writer.c (file, transactions, events) and writer_rows.c (rows).
 */
#ifndef HAK_STORE_WRITER_STATE_H
#define HAK_STORE_WRITER_STATE_H

#include <sqlite3.h>
#include "store/chunk.h"
#include "store/posting.h"
#include "store/writer.h"

/* One prepared statement for each kind of row; the order is that of row_sql in writer_rows.c. */
enum hak_row_statement {
    HAK_ROW_META,
    HAK_ROW_PROCESS,
    HAK_ROW_THREAD,
    HAK_ROW_MODULE,
    HAK_ROW_NODE,
    HAK_ROW_FRAME,
    HAK_ROW_FAULT,
    HAK_ROW_LOSS,
    HAK_ROW_CURSOR,
    HAK_ROW_MARK,
    HAK_ROW_METRIC,
    HAK_ROW_CHUNK,
    HAK_ROW_CHUNK_DATA,
    HAK_ROW_POSTING,
    HAK_ROW_STATEMENTS
};

struct hak_store_writer {
    sqlite3 *database;
    int fd; /* holds the writer's lock; closed after the database, or SQLite would lose its locks */
    char *path;
    sqlite3_stmt *row[HAK_ROW_STATEMENTS];
    sqlite3_stmt *get_meta;
    char *meta_value;
    struct hak_event *pending; /* events of the chunk being filled */
    uint32_t pending_count;
    uint64_t last_event; /* pending ones included */
    uint64_t last_committed_event;
    bool in_transaction;
    bool taken_back; /* the last transaction was; nothing was committed since */
    struct hak_columns columns;
    struct hak_posting posting;
    struct hak_buffer blob;
};

/* Runs the statement that has its values bound; 0 or an error that says what was `doing`. */
int hak_writer_step(struct hak_store_writer *w, enum hak_row_statement which, const char *doing);
/* The prepared statement of a row kind, NULL on error (the message is set). */
sqlite3_stmt *hak_writer_row(struct hak_store_writer *w, enum hak_row_statement which);

#endif
