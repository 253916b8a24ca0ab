/* Checks the table superslab against the events. A chunk may have no rows at all: an earlier
 * version of hakmem went on with the store. */
#ifndef HAK_STORE_CHECK_SUPERSLABS_H
#define HAK_STORE_CHECK_SUPERSLABS_H

#include "store/check/findings.h"
#include "store/codec/codec.h"
#include "store/reader/reader.h"

/* Compares the next chunk, all columns decoded, with its rows of superslab. 0 or an error. */
int hak_superslab_check_chunk(struct hak_store_reader *r, struct hak_check_findings *findings,
                              const struct hak_columns *c, uint64_t first_id);
/* Reports rows of superslab that are of no chunk. 0 or an error. */
int hak_superslab_check_finish(struct hak_store_reader *r, struct hak_check_findings *findings);

#endif
