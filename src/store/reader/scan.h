/* Walks the events of a store, one decoded chunk at a time: behind hak_store_scan, the virtual
 * tables, the story and the check.
 *
 * A chunk is passed by without a look at its events when its row (times, kinds, classes, process,
 * thread) or the postings (bases, addresses, stacks) say that nothing in it can fit; of the others
 * first the columns that the filter asks about are decoded, the rest only if something fits. From
 * the second chunk on several threads decode, some chunks ahead; events come in order. */
#ifndef HAK_STORE_READER_SCAN_H
#define HAK_STORE_READER_SCAN_H

#include "store/codec/codec.h"
#include "store/reader/reader.h"

struct hak_scan;

/* Limits of a walk beyond hak_filter, for the store's own use. */
struct hak_scan_limits {
    struct hak_filter filter;
    uint64_t owner;     /* chunks that have this key of hak_posting_owner() */
    uint32_t stacks[2]; /* any of the two; both 0 = all. (filter.stack: exactly one) */
    unsigned columns;   /* mask of columns wanted, 0 = all; others read as 0 */
};

/* A filter that lets everything pass. */
static inline struct hak_scan_limits hak_scan_all(void) {
    return (struct hak_scan_limits){.filter = {.class_index = -1}};
}

/* Begins a scan of the events in the limits, forwards or backwards. 0, or an error, also for a
 * store that keeps only the profile. */
int hak_scan_open(struct hak_store_reader *r, const struct hak_scan_limits *limits, bool backwards,
                  struct hak_scan **out);
/* 1 and the next event, 0 at the end, or an error. */
int hak_scan_next(struct hak_scan *scan, struct hak_event *out);
/* The number of chunks opened so far, the one of the last event included. */
uint64_t hak_scan_chunks(const struct hak_scan *scan);

/* Ends the scan; its memory is kept for the next one, HAK_SPARE_SCANS_MAX at most. */
void hak_scan_close(struct hak_scan *scan);
/* Frees a scan for good (the reader keeps closed ones for the next open). */
void hak_scan_free(struct hak_scan *scan);
void hak_scan_free_spare(struct hak_store_reader *r); /* those that the reader keeps */

/* Do tables speak of chunks behind the last one that is there? 1 and the first event that is
 * missing, and the least time of the last chunk (0 = there is none); 0 no, or an error. */
int hak_scan_find_end(struct hak_store_reader *r, uint64_t *first, uint64_t *min_ns);
extern const char hak_scan_missing[],
    hak_scan_missing_end[]; /* what is wrong where chunks are missing */
/* The error for a chunk that is not as it should be. */
int hak_scan_fail_chunk(struct hak_store_reader *r, uint64_t chunk, const char *where,
                        const char *wrong);

#endif
