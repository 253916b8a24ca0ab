/* The insides of what writes postings, shared by postings/writer.c (the keys of each chunk) and
 * merge.c (the joining of runs). */
#ifndef HAK_STORE_POSTINGS_STATE_H
#define HAK_STORE_POSTINGS_STATE_H

#include "store/postings/merge.h"
#include "store/postings/keys.h"
#include "store/database.h"
#include "store/error.h"
#include "store/postings/writer.h"

/* The order is that of the statements in postings/writer.c. */
enum hak_posting_statement {
    HAK_ORDER_PUT,
    HAK_ORDER_LAST,
    HAK_ORDER_OLDEST,
    HAK_ORDER_DROP,
    HAK_RUN_PUT,
    HAK_RUN_AT,
    HAK_RUN_OLDEST,
    HAK_RUN_SOURCES,
    HAK_RUN_PROGRESS,
    HAK_RUN_DROP,
    HAK_RUN_TRIM,
    HAK_POSTING_STATEMENTS
};

struct hak_posting_writer {
    struct hak_database db;
    sqlite3_stmt *statement[HAK_POSTING_STATEMENTS];
    struct hak_run_keys keys;
    struct hak_run_row row;
    struct hak_buffer blob; /* of a row on its way into the file */
    struct hak_merge *single[HAK_RUN_KINDS], *larger[HAK_RUN_KINDS];
    bool knows_next;
    uint64_t next; /* number of the next chunk */
};

/* The prepared statement, NULL on error (the message is set). */
sqlite3_stmt *hak_posting_query(struct hak_posting_writer *p, enum hak_posting_statement which);
/* Runs the statement that has its values bound; 0 or an error that says what was `doing`. */
int hak_posting_do(struct hak_posting_writer *p, enum hak_posting_statement which,
                   const char *doing);

#endif
