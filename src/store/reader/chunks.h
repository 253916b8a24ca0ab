/* Chooses the chunks that a walk has to open: all whose rows fit, or those that postings name; and
 * finds the gaps where some are missing. */
#ifndef HAK_STORE_READER_CHUNKS_H
#define HAK_STORE_READER_CHUNKS_H

#include "store/postings/postings.h"
#include "store/reader/scan.h"

struct hak_chunk_choice {
    struct hak_store_reader *reader;
    const struct hak_scan_limits *limits;
    bool backwards;
    struct hak_finder *finder;
    uint64_t stack_key[2], owner_key; /* that it looks for */
    struct hak_query list;            /* of all chunks, where there is no finder */
    bool saw_end; /* backwards: whether chunks are missing at the end was looked at */
    uint64_t due; /* event that comes next in the list of all chunks; backwards 0 = not known */
};

/* Begins to choose the chunks that can have what `limits` ask, by postings or the list of all;
 * `limits` stay until the end of the choice. 0 or an error. */
int hak_chunks_choose(struct hak_chunk_choice *c, struct hak_store_reader *r,
                      const struct hak_scan_limits *limits, bool backwards);
/* The next chunk that its row and its postings do not exclude: 1, 0 at the end, or an error. With
 * an impossible number of events *events is 0; where chunks are missing it is HAK_CHUNKS_GAP,
 * behind the last one HAK_CHUNKS_GAP_AT_END, and *id the first event that none has. */
#define HAK_CHUNKS_GAP        UINT32_MAX
#define HAK_CHUNKS_GAP_AT_END (UINT32_MAX - 1)
int hak_chunks_next(struct hak_chunk_choice *c, uint64_t *id, uint32_t *events);
void hak_chunks_end(struct hak_chunk_choice *c);

#endif
