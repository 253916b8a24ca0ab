/* Checks the live checkpoints against the events: runs of the lowest level are made again from the
 * chunks, those above from the ones below. */
#ifndef HAK_STORE_CHECK_LIVE_H
#define HAK_STORE_CHECK_LIVE_H

#include "store/check/findings.h"
#include "store/codec/codec.h"
#include "store/reader/reader.h"

struct hak_live_check;

/* Makes a check of live blocks; behind the first loss a block's state is not sure. 0, or an
 * error. */
int hak_live_check_make(struct hak_store_reader *r, struct hak_check_findings *findings,
                        struct hak_live_check **out); /* 0 or an error */
/* The next chunk, oldest first, all columns decoded. 0 or an error. */
int hak_live_check_chunk(struct hak_live_check *k, const struct hak_columns *c, uint64_t first_id);
/* A chunk cannot be read: the run that it is in cannot be judged. */
void hak_live_check_missing_chunk(struct hak_live_check *k);

/* Ends the check after the last chunk: a run without its events is a finding, as is a level whose
 * runs differ from those they were merged of. 0, or an error. */
int hak_live_check_finish(struct hak_live_check *k);
void hak_live_check_free(struct hak_live_check *k);

#endif
