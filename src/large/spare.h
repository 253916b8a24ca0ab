/* A few mappings of large blocks that were given back, for the next block of about their size.
 *
 *   keep --> | 16 places, 2 MiB in all, the oldest goes first | --> take (same size to a quarter
 * more)
 *
 * A block of 60,000 bytes that is taken and given back in a loop costs 10 us without this, all of
 * it system calls and page faults. Plain build only: in the debug build a large block is unmapped
 * when it is freed, so that whoever still uses it is seen at once.
 *
 * One lock, held for a look at 16 places; the kernel is called outside of it.
 *
 * May call: held, platform. */
#ifndef HAK_LARGE_SPARE_H
#define HAK_LARGE_SPARE_H

#include "platform/lock.h"

#define HAK_SPARE_PLACES    16
#define HAK_SPARE_BYTES     ((size_t)2 << 20) /* in all */
#define HAK_SPARE_MAX_BYTES ((size_t)1 << 20) /* one mapping */

/* Held over fork, with the locks of the table. */
HAK_HIDDEN extern struct hak_lock hak_spare_lock;

/* Keeps a mapping, or unmaps it (or older ones in its place). */
HAK_HIDDEN void hak_spare_keep(void *start, size_t bytes);

/* A kept mapping of at least `bytes`, dirty; its size in `mapped_bytes`. NULL when none fits. */
HAK_HIDDEN void *hak_spare_take(size_t bytes, size_t *mapped_bytes);

/* Unmaps what is kept; returns the bytes of it. */
HAK_HIDDEN size_t hak_spare_trim(void);

/* True when `p` lies in a kept or a held mapping: whoever frees it frees a second time. */
HAK_HIDDEN bool hak_spare_holds(const void *p);

#endif
