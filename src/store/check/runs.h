/* Checks that the runs of postings name all keys of the chunks, and no others. Each (key, chunk) is
 * mixed to a number; for each chunk the numbers due and those found are summed up, whatever their
 * order: memory is some bytes for each chunk. */
#ifndef HAK_STORE_CHECK_RUNS_H
#define HAK_STORE_CHECK_RUNS_H

#include "store/check/findings.h"
#include "store/codec/codec.h"
#include "store/reader/reader.h"

struct hak_posting_check;

/* Makes a check of postings with room for the sums of all chunks. 0, or an error. */
int hak_posting_check_make(struct hak_store_reader *r, struct hak_check_findings *findings,
                           struct hak_posting_check **out); /* 0 or an error */
/* The next chunk, in order; all columns are decoded. 0 or an error. */
int hak_posting_check_chunk(struct hak_posting_check *check, uint64_t chunk,
                            const struct hak_columns *columns);
/* The next chunk cannot be read (another check reports that). */
void hak_posting_check_missing_chunk(struct hak_posting_check *check); /* NULL: nothing */
/* Reads the runs and compares them, when all chunks were put. 0 or an error. */
int hak_posting_check_end(struct hak_posting_check *check);
void hak_posting_check_free(struct hak_posting_check *check);

#endif
