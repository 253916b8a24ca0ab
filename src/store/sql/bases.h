/* The distinct bases of a store in ascending batches, so that work over every block of a capture
 * takes bounded memory whatever the capture's size. */
#ifndef HAK_STORE_SQL_BASES_H
#define HAK_STORE_SQL_BASES_H

#include "store/reader/reader.h"

#define HAK_BASES_BATCH ((uint32_t)1 << 19)

/* The smallest HAK_BASES_BATCH distinct bases >= `from`, sorted, into `out` (2 * HAK_BASES_BATCH of
 * room). `count` 0: there are none. `is_last`: no others come after them. 0 or an error. */
int hak_bases_next(struct hak_store_reader *r, uint64_t from, uint64_t *out, uint32_t *count,
                   bool *is_last);

#endif
