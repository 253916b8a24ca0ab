/* A shard of the L2.5 pool holds chunks of pages and the structs of blocks. For l25.c, and for
 * readers of memory from outside (src/layout.def). */
#ifndef HAK_LARGE_SHARD_H
#define HAK_LARGE_SHARD_H

#include "large/returned.h"
#include "large/runs.h"
#include "platform/lock.h"

/* Chunks that are kept for the process. */
enum { HAK_L25_KEPT_CHUNKS = 4 };

struct hak_shard {
    _Alignas(64) struct hak_lock lock;
    struct hak_shard *next; /* the one made before it; NULL for the first */
    uint32_t calls;
    uint64_t cleaned_at;
    uint32_t most_used;       /* pages at one moment, halved at each decay */
    uint32_t cleaned_pages;   /* at the bound, since it was last looked whether that paid */
    uint32_t allowed_pages;   /* to go beside those that become free */
    uint8_t regret;           /* how often the bound is doubled */
    bool has_many;            /* more than half of the bound was free since the last decay */
    bool is_refused;          /* the kernel took no pages since then: they are locked */
    struct hak_large *unused; /* structs of blocks */
    struct hak_runs runs;
    _Alignas(64) struct hak_returned returned;
};

HAK_HIDDEN extern _Atomic(struct hak_shard *) hak_l25_newest_shard;
/* Chunks that nobody uses, the one that came last on top (l25.c has the rules of a place). */
HAK_HIDDEN extern _Atomic(struct hak_page_chunk *) hak_l25_kept_chunks[HAK_L25_KEPT_CHUNKS];

#endif
