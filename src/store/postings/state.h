/* The insides of what writes postings, shared by postings/writer.c (the keys of each chunk) and
 * merge.c (the joining of runs). */
#ifndef HAK_STORE_POSTINGS_STATE_H
#define HAK_STORE_POSTINGS_STATE_H

#include "store/postings/merge.h"
#include "store/postings/keys.h"
#include "store/database.h"
#include "store/error.h"
#include "store/postings/writer.h"

struct hak_posting_writer {
    struct hak_database db;
    struct hak_run_keys keys;
    struct hak_run_row row;
    struct hak_buffer blob; /* of a row on its way into the file */
    struct hak_merge *single[HAK_RUN_KINDS], *larger[HAK_RUN_KINDS];
    bool knows_next;
    uint64_t next; /* number of the next chunk */
};

#endif
