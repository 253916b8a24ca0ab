/* Frees for other threads: block addresses collected in chunks, by owner and class, and posted to
 * the owner's heap.
 *
 *   freeing thread                     owner's heap             owner's thread
 *   slots[owner, class] -- full --post--> mail box --sort--> mail[class] --fill--> array
 *                                                                        --more--> slabs
 *
 * Nobody writes into a block that another thread owns. A chunk holds blocks of one class, so that
 * the owner's refill of this class moves it into the array as it is, without a look at a slab;
 * blocks of other classes stay where they are until they are needed. Of each class 1 MiB waits at
 * most, of all 4 MiB, and only for a purge delay; more goes into the slabs.
 *
 * A chunk is posted when it is full or holds 64 KiB of blocks; all that are being filled are posted
 * every 16th slow path, every 16th post and when they may hold 1 MiB together, in one chain for
 * each owner. So a thread that only frees keeps at most 1 MiB from the others.
 *
 * A chain for an idle heap (its thread ended, or a fork left it behind) is drained by the poster,
 * so that memory comes back.
 *
 * Ownership: a chunk belongs to the thread that fills it, then to the mail box, then to the heap's
 * owner. May call: slab, platform. */
#ifndef HAK_FRONT_REMOTE_H
#define HAK_FRONT_REMOTE_H

#include "front/mailbox.h"
#include "platform/lock.h"
#include "platform/registry.h"

#define HAK_CHUNK_BYTES  HAK_SLAB_BYTES
#define HAK_REMOTE_BYTES ((size_t)1 << 20)
#define HAK_REMOTE_SLOTS 256 /* a power of two */

/* Blocks that a thread collects for others; mapped at its first such free, stays with its heap
 * (heap->remote). */
struct hak_remote {
    struct hak_chunk *slots[HAK_REMOTE_SLOTS]; /* being filled; NULL = none */
    uint64_t in_use[HAK_REMOTE_SLOTS / 64];    /* bit i = slots[i] is not NULL */
    size_t bytes;                              /* that they may come to hold */
    uint32_t posts;                            /* of full chunks, for what is done at times */
    uint32_t spare_count;
    struct hak_chunk *spare_chunks; /* empty ones */
    uint64_t posted_blocks;         /* so far, of all threads that had the heap */
};

HAK_HIDDEN extern struct hak_lock hak_chunks_lock;

/* Moves blocks that others freed into the calling thread's array of the class, until it is half
 * full. Returns how many. */
HAK_HIDDEN unsigned hak_remote_fill(unsigned class_index);

/* Takes all that was posted to a heap, or waits in it, into its slabs. The caller owns the heap. */
HAK_HIDDEN void hak_remote_drain_heap(struct hak_heap *heap);

/* The heap was made idle by the caller: sees to it that what was posted just then is drained. */
HAK_HIDDEN void hak_remote_after_release(hak_owner_t id);

#endif
