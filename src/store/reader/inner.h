/* The reader's insides, which the rooms of the store that answer from it (history, sql, check) may
 * use besides its door. */
#ifndef HAK_STORE_READER_INNER_H
#define HAK_STORE_READER_INNER_H

#include "store/stacks/stacks.h"
#include "store/reader/reader.h"
#include "store/postings/postings.h"
#include "store/reader/scan.h"
#include "store/reader/watch.h"

/* An answer has up to three scans open at a time: events, those of a block, actors. */
enum { HAK_READER_CLASSES = 256, HAK_SPARE_SCANS_MAX = 4 };

struct hak_store_reader {
    struct hak_database db;
    bool is_own; /* opened here, so closed here */
    /* A chunk never changes once it is committed; on the writer's own connection it may be taken
     * back before. */
    bool may_keep_chunks;
    int fd; /* asks for the writer's lock; closed after the database. -1: attached, or a server's */
    bool is_on_server;
    uint64_t server_bytes;
    struct hak_scan *spare_scan; /* the last closed one, its buffers are used again; then others */
    unsigned spare_scans;
    struct hak_scan *event_scan; /* keeps the chunk of the last hak_store_event */
    struct {
        bool is_there;
        uint64_t slot_bytes, first_slot_offset;
        unsigned band;
    } class[HAK_READER_CLASSES];
    uint64_t slab_bytes, superslab_bytes;
    bool is_profile_only;
    uint64_t sampled_rate; /* 0: all blocks are counted */
    bool is_kept; /* programs kept their allocators: blocks are no slots and no whole pages */
    uint64_t newest_event; /* as far as watch.c asked */
    struct hak_stack_reader stacks;
    struct hak_posting_reader postings;
    struct hak_scan_pool *pool; /* threads that decode chunks; NULL = none yet */
};

/* Gives back the statements and buffers that it keeps for later: SQLite closes a connection only
 * when no statement is left. */
void hak_reader_release(struct hak_store_reader *r);
/* The error for callers that ask for events where only the profile is kept. */
int hak_reader_refuse_events(const struct hak_store_reader *r);

#endif
