/* The insides of a walk over events, shared by scan.c (which chunks) and scan_pick.c (which
 * events). */
#ifndef HAK_STORE_SCAN_STATE_H
#define HAK_STORE_SCAN_STATE_H

#include "store/reader_state.h"

struct hak_scan {
    struct hak_store_reader *reader;
    struct hak_scan_limits limits;
    bool backwards, is_done;
    sqlite3_stmt *chunks, *data, *posting_rows;
    struct hak_columns columns;
    struct hak_posting posting;
    uint64_t chunks_opened;
    uint64_t chunk_id; /* of the chunk in `columns`, 0 = none */
    struct hak_chunk chunk;
    uint8_t *blob;
    size_t blob_room;
    uint32_t *hit; /* indexes of the events of this chunk that fit, in order */
    uint32_t hits, at;
    uint8_t *mark; /* for each distinct value of a column: does it fit */
};

/* Columns about which the limits ask (bit n = column n). */
unsigned hak_scan_asked_columns(const struct hak_scan_limits *limits);
/* Fills s->hit with the events of the decoded chunk that fit. */
void hak_scan_pick(struct hak_scan *s);
/* Columns that are not wanted may hold another chunk's values: they read as 0. */
void hak_scan_clear_unwanted(struct hak_event *event, unsigned wanted);

#endif
