/* Adds up what the large layer has, and checks that its parts agree. */
#ifndef HAK_LARGE_TOTALS_H
#define HAK_LARGE_TOTALS_H

#include "large/bigcache.h"
#include "large/l25.h"
#include "large/large.h"

/* Blocks, and the bytes of their pages. */
struct hak_large_totals {
    size_t live_blocks, live_bytes; /* the program's */
    size_t kept_blocks, kept_bytes; /* in the BigCache */
    size_t pool_free_bytes;         /* free in chunks of the L2.5 pool */
    size_t pool_used_bytes;         /* in them, of live and kept blocks */
};

/* Blocks that the program has, and memory that nobody uses and that is kept for the next ones. */
struct hak_large_figures {
    size_t live_blocks, live_bytes;
    size_t dirty_bytes;    /* with pages: kept blocks, spare mappings, free runs of the pool */
    size_t clean_bytes;    /* addresses: runs whose pages went back or were never handed out */
    size_t guarded_blocks; /* debug: that the program has */
};

/* Takes them in one walk of the address map. Any thread; takes the locks of the pool's shards. */
HAK_HIDDEN void hak_large_take_figures(struct hak_large_figures *figures);

/* Compares map, caches and shards with each other; fills `totals`. NULL when they agree, or what
 * does not. For moments when no other thread is at work. */
HAK_HIDDEN const char *hak_large_verify(struct hak_large_totals *totals);

#endif
