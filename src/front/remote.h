/* Frees for other threads: block addresses collected in chunks of 62 and posted to the owner's
 * heap.
 *
 *   freeing thread                       owner's heap                owner's thread
 *   remote[owner % 16] -- chunk fills --post--> chunk -> chunk --drain--> arrays, else slabs
 *
 * Nobody writes into a block that another thread owns. A chunk is full, or holds 64 KiB of blocks,
 * or was looked at every 16th slow path, before it is posted, so a post costs one compare-and-swap
 * for up to 62 blocks, and a thread that only frees keeps at most 1 MiB from the others. The
 * owner takes the whole list with one exchange, so there is no ABA. Chunks have a pool of their own
 * (a few in each thread, the rest under hak_chunks_lock), because taking one from the arrays would
 * call the drain that is just at work.
 *
 * A chunk for an idle heap (its thread ended, or a fork left it behind) is drained by the poster,
 * so that memory comes back. */
#ifndef HAK_FRONT_REMOTE_H
#define HAK_FRONT_REMOTE_H

#include "platform/lock.h"
#include "platform/registry.h"

#define HAK_CHUNK_BLOCKS 62
#define HAK_CHUNK_BYTES  HAK_SLAB_BYTES
#define HAK_REMOTE_SLOTS 16 /* a power of two */

struct hak_chunk {
    struct hak_chunk *next;
    uint32_t count;
    uint32_t owner;
    base_t blocks[HAK_CHUNK_BLOCKS];
};

/* A chunk that is being filled for one owner. */
struct hak_remote_slot {
    uint32_t owner;
    uint32_t bytes;          /* of the blocks in the chunk */
    struct hak_chunk *chunk; /* NULL = the slot is unused */
};

/* Held over fork by entry. */
HAK_HIDDEN extern struct hak_lock hak_chunks_lock;

#endif
