/* Compares the stored profile with the events, from the first one on; of a capture that keeps
 * nothing else, its rows with each other. */
#ifndef HAK_STORE_CHECK_PROFILE_H
#define HAK_STORE_CHECK_PROFILE_H

#include "store/check/findings.h"
#include "store/codec/codec.h"
#include "store/reader/reader.h"

struct hak_profile_check;

/* Makes the check; `*out` is NULL where no profile is stored. 0 or an error. */
int hak_profile_check_make(struct hak_store_reader *r, struct hak_check_findings *findings,
                           struct hak_profile_check **out);
/* The next chunk, all columns decoded; NULL: it cannot be read. 0 or an error. */
int hak_profile_check_chunk(struct hak_profile_check *k, struct hak_columns *c, uint64_t first_id);
/* Checks the end of the last run, after the last chunk. */
void hak_profile_check_finish(struct hak_profile_check *k);
void hak_profile_check_free(struct hak_profile_check *k);

#endif
