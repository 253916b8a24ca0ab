/* L2.5: a pool of pages for blocks up to 1 MiB, between the slabs and mappings of their own.
 *
 *   take --> shard (the thread's last one) --busy?--> the next one --all busy?--> one more shard
 *            | lock | page runs in chunks of 4 MiB (runs.h) | structs of blocks |
 *   give --> the shard of its chunk --busy?--> | returned |: pushed, and taken in by whoever holds
 *                                                            or takes the lock next
 *
 * There is one shard at first and never more than threads that were in the pool at one moment.
 * Nobody waits for a shard, unless there is no memory for another. SHARD_BUSY counts each one that
 * was found held.
 *
 * A chunk of which nothing is used any more leaves its shard: the process keeps four, the kernel
 * gets the others. Pages of free runs that were not needed for a tenth of a second go back, too.
 *
 * In the child of a fork a shard in which a thread was at work that is not there is made anew from
 * its chunks and the address map: pages in no block are free. Where the thread that forks has a
 * block in its hands itself (it forks in a signal handler), nothing of such a shard is free until
 * it is given back.
 *
 * Locks: the shard's; one to add a shard; hak_large_map_lock behind both.
 * Without a lock: `returned`, a stack that is pushed by many and taken as a whole (returned.h), and
 * the chunks that are kept.
 *
 * May call: runs, returned, large_map, platform. */
#ifndef HAK_LARGE_L25_H
#define HAK_LARGE_L25_H

#include "large/large.h"

#define HAK_L25_MAX_BYTES HAK_MAP_LEAF_BYTES

/* A block of `bytes` (whole pages, at most HAK_L25_MAX_BYTES), which is not in the address map yet.
 * NULL without memory. */
HAK_HIDDEN struct hak_large *hak_l25_take(size_t bytes);

/* Gives back a block that came from here and is not in the address map any more. */
HAK_HIDDEN void hak_l25_give(struct hak_large *large);

/* Makes a block longer or shorter where it lies. False: it cannot grow there. */
HAK_HIDDEN bool hak_l25_resize(struct hak_large *large, size_t bytes);

/* Gives the pages of everything that is free back to the kernel; returns the bytes. */
HAK_HIDDEN size_t hak_l25_trim(void);

/* Gives runs that were free for a while back to the kernel; to be called now and then. */
HAK_HIDDEN void hak_l25_tend(void);

/* Bytes in blocks of the pool, those that a BigCache keeps among them; while others work there
 * about so many. */
HAK_HIDDEN size_t hak_l25_used_bytes(void);

/* True when `p` lies in a chunk of the pool. Takes the shards' locks. */
HAK_HIDDEN bool hak_l25_covers(const void *p);

/* How many shards there are. */
HAK_HIDDEN unsigned hak_l25_shards(void);

/* Calls `visit` for each stretch of free pages, one shard after the other, each locked meanwhile;
 * frees first what other threads returned to it. For tests. */
HAK_HIDDEN void hak_l25_each_free(void (*visit)(void *start, size_t bytes, void *context),
                                  void *context);

/* Adds the free pages of all chunks, in bytes, to two sums: those that may be in memory, and the
 * others. Any thread; locks one shard after the other. */
HAK_HIDDEN void hak_l25_count_free(size_t *dirty_bytes, size_t *clean_bytes);

/* Checks that all shards agree with themselves: NULL, or what does not; adds up the bytes in their
 * chunks that are free and used. */
HAK_HIDDEN const char *hak_l25_verify(size_t *free_bytes, size_t *used_bytes);

/* Whether the calling thread has a block of the pool that is in use and not in the address map: on
 * its way there, or from there to hak_l25_give. Counts, since signal handlers may call, too. */
HAK_HIDDEN extern _Thread_local uint32_t hak_l25_in_hand __attribute__((tls_model("initial-exec")));

/* Frees the shards' locks in the child of a fork; a shard whose lock another thread held is
 * rebuilt. */
HAK_HIDDEN void hak_l25_after_fork(void);

/* True when pages are lost to this child of a fork. */
HAK_HIDDEN bool hak_l25_may_have_lost(void);

#endif
