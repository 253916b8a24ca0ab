/* The door of check: verifies everything in a store.
 *
 *   chunks, in order -> order of every block   against hops.def
 *                    -> keys, states           against the runs of postings and live checkpoints
 *                    -> sums by stack          against the profile
 *
 * It reads through a hak_store_reader that the caller owns, on its thread, without a lock. It calls
 * the reader, live, postings, stacks and the codec. */
#ifndef HAK_STORE_CHECK_CHECK_H
#define HAK_STORE_CHECK_CHECK_H

#include "store/check/findings.h"
#include "store/reader/reader.h"

/* Reads everything and verifies checksums, ids without gaps, references, live checkpoints against
 * the events, the order of every block by generation without a missing record, and its path against
 * hops.def. Calls `problem` for each finding; returns their number. */
int hak_store_check(struct hak_store_reader *r,
                    void (*problem)(void *context, const struct hak_check_finding *finding),
                    void *context);

#endif
