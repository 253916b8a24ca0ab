/* The reader's insides, shared by the files that look things up in a store. */
#ifndef HAK_STORE_READER_STATE_H
#define HAK_STORE_READER_STATE_H

#include <sqlite3.h>
#include "store/stacks/functions.h"
#include "store/stacks/node_reader.h"
#include "store/reader/reader.h"
#include "store/postings/run.h"
#include "store/reader/scan.h"

enum { HAK_READER_CLASSES = 256 };

struct hak_store_reader {
    sqlite3 *database;
    bool is_own; /* opened here, so closed here */
    /* A chunk never changes once it is committed; on the writer's own connection it may be taken
     * back before. */
    bool may_keep_chunks;
    int fd; /* asks for the writer's lock; closed after the database. -1 when attached */
    char *path;
    struct hak_scan *spare_scan; /* the last closed one, its buffers are used again */
    struct hak_scan *event_scan; /* keeps the chunk of the last hak_store_event */
    struct {
        bool is_there;
        uint64_t slot_bytes, first_slot_offset;
        unsigned band;
    } class[HAK_READER_CLASSES];
    uint64_t slab_bytes, superslab_bytes;
    uint64_t newest_event; /* as far as watch.c asked */
    struct hak_node_reader *nodes;
    struct hak_run_cursor run; /* for lookups in the runs of postings */
    sqlite3_stmt *run_row[2], *run_list;
    struct hak_finder_memory *finder_memory;
    struct hak_scan_pool *pool; /* threads that decode chunks; NULL = none yet */
    sqlite3_stmt *module, *frame, *parent;
    struct hak_buffer text;         /* strings of the frames handed out last */
    struct hak_functions functions; /* of stacks that were asked, until it rests */
    char *stack_error; /* why a stack could not be read, the first time; NULL = all could */
};

/* The first row of a query of numbers as `count` values; 1 found, 0 none, or an error. */
int hak_reader_numbers(struct hak_store_reader *r, const char *sql, uint64_t argument,
                       uint64_t *values, int count);

/* Gives back the statements and buffers that it keeps for later: SQLite closes a connection only
 * when no statement is left. */
void hak_reader_rest(struct hak_store_reader *r);

/* The block around the address that was used last, in a process of `lineage` (NULL = any), by
 * events up to the ends of `range` (id_to, ns_to; 0 = all): 1 found, 0 none, or an error. Reads
 * backwards, so it is quick. */
struct hak_lineage;
int hak_block_newest(struct hak_store_reader *r, uint64_t address,
                     const struct hak_lineage *lineage, const struct hak_filter *range,
                     struct hak_block_key *out);

#endif
