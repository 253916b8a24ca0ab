/* Checks that the way of every block is legal, that its events lie in the order of their
 * generations, and that none is missing: for each (process, base) against hops.def
 * (reader/follow.h).
 *
 * About 60 bytes for each block; where a capture has more than HAK_ORDER_BLOCKS, the upper half of
 * the addresses is left for another reading, so that memory does not grow. */
#ifndef HAK_STORE_CHECK_ORDER_H
#define HAK_STORE_CHECK_ORDER_H

#include "store/check/findings.h"
#include "store/codec/codec.h"
#include "store/reader/reader.h"

#define HAK_ORDER_BLOCKS ((uint32_t)5 << 18) /* followed at once: some 75 MiB */

struct hak_order_check;

/* Makes a check of the order of each block's moves. `is_trimmed`: the oldest events are gone, so
 * blocks may begin in the middle of their way. 0 or an error. */
int hak_order_check_make(struct hak_store_reader *r, bool is_trimmed,
                         struct hak_check_findings *findings, struct hak_order_check **out);
/* For tests: follows at most so many blocks at once. */
void hak_order_check_limit(struct hak_order_check *o, uint32_t blocks);
/* The next chunk, oldest first; columns SHAPE, ACTOR, BASE and GENERATION are decoded. 0 or an
 * error. */
int hak_order_check_chunk(struct hak_order_check *o, const struct hak_columns *c,
                          uint64_t first_id);
/* A chunk cannot be read: from now on missing events are no finding. */
void hak_order_check_missing_chunk(struct hak_order_check *o);
/* Ends the check when no more chunks come: reads the store again for the blocks that were left. 0,
 * or an error. */
int hak_order_check_finish(struct hak_order_check *o);
void hak_order_check_free(struct hak_order_check *o);

#endif
