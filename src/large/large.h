/* Large blocks: whole pages each, found by their address, kept for the next ones on the way to the
 * kernel.
 *
 *   take --> BigCache (of the thread) --> L2.5 (up to 1 MiB) --> held --> spare --> mmap
 *   give --> BigCache ----------------->  L2.5, spare (too large for a BigCache), or munmap
 *
 *   state   LIVE --give--> KEPT --BigCache--> LIVE
 *                               \--L2.5 or the kernel--> out of the map
 *
 * The structs are out of line, so that nothing lies in front of the program's bytes; one stays with
 * its block as long as that is live or kept, and its memory is never given back.
 *
 *   bigcache.h     blocks kept whole, for each thread          no lock
 *   l25.h          page runs of shards                         a lock for each; none is waited for
 *   held.h         mappings that munmap refused                one
 *   spare.h        mappings too large for a BigCache           one, tried and not waited for
 *   totals.h         all of it, for checks and statistics
 *
 * In level normal of the debug build BigCache and L2.5 are off: each block is a mapping, and is
 * unmapped when it is freed.
 *
 * Ownership: a block and its struct belong to the holder of the block: the program, or the cache.
 * Of two threads that free the same block the second gets the error, unless both do so within
 * nanoseconds; the debug build decides even then, by a compare-and-swap of the slot's place.
 *
 * May call: large_map, platform. */
#ifndef HAK_LARGE_LARGE_H
#define HAK_LARGE_LARGE_H

#include "large_map/large_map.h"

/* A block of at least `bytes` at a multiple of `alignment` (a power of two; at most a page costs
 * nothing), for the call in the program that returns to `caller`. HAK_NO_BASE when there is no
 * memory. Any thread. */
HAK_HIDDEN base_t hak_large_take(size_t bytes, size_t alignment, const void *caller);

/* Takes a block with `room_bytes` of closed address space held behind it, so that it grows without
 * a new block: for one that grows for at least the second time, in the debug build, whose
 * blocks do not move by themselves (hak_large_copy). Where there is none, or L2.5 serves the block,
 * as hak_large_take. */
HAK_HIDDEN base_t hak_large_take_with_room(size_t bytes, size_t room_bytes, const void *caller);

/* True when the live block that starts at `base` is all zero since the kernel gave it. */
HAK_HIDDEN bool hak_large_is_fresh(base_t base);

/* True when `p` lies in memory that BigCache, L2.5, the spare mappings or the list of what munmap
 * refused keep, so that a free of it is a second one. For reports. */
HAK_HIDDEN bool hak_large_keeps(const void *p);

/* How many blocks the program has, and the bytes of their pages. Visits all of them
 * (totals.c). */
HAK_HIDDEN size_t hak_large_count(size_t *mapped_bytes);

/* A live block gets a number of the heap profile, above 0. */
HAK_HIDDEN void hak_large_set_sample(base_t base, uint32_t sample);

/* The number of a live block; 0: it has none. */
HAK_HIDDEN uint32_t hak_large_sample(base_t base);

/* Takes the number of a block; 0: it has none. */
HAK_HIDDEN uint32_t hak_large_take_sample(base_t base);

/* Called with the number of a block that goes back; set at start, in level light. */
HAK_HIDDEN extern void (*hak_large_sample_ends)(uint32_t sample);

/* Bytes of large blocks that the program or a BigCache has; while others work there about so many.
 */
HAK_HIDDEN size_t hak_large_used_bytes(void);

/* Gives back the block that starts at `base`. False: there is no live one (another thread was
 * faster). */
HAK_HIDDEN bool hak_large_give(base_t base);

/* The same for a block that realloc has copied to another place. The next block asked for will be
 * as long as that one: pages of L2.5 become one with their free neighbours and serve that, where a
 * BigCache would keep them apart. */
HAK_HIDDEN bool hak_large_give_outgrown(base_t base);

/* Resizes a block the caller owns to hold `bytes` without moving it; false when it cannot be done.
 */
HAK_HIDDEN bool hak_large_resize(base_t base, size_t bytes);

/* Resizes a block by moving it: into a kept block by a copy, else its pages go to another address.
 * HAK_NO_BASE when there is no memory, or where L2.5 serves both sizes; the block is as it was
 * then. Plain build. */
HAK_HIDDEN base_t hak_large_move(base_t base, size_t bytes);

/* Copies the first bytes of a live block to one that realloc has just taken for it. Of much memory
 * the kernel moves the pages, and those that nobody touched stay so; the old block then reads as
 * zero. */
HAK_HIDDEN void hak_large_copy(char *to, char *from, size_t bytes);

/* Gives what this thread and the process keep back to the kernel; returns the bytes. */
HAK_HIDDEN size_t hak_large_trim(void);

/* Lets blocks that were not used for a tenth of a second go down or back to the kernel; to be
 * called now and then by any thread, also one that makes no large calls any more. In the debug
 * build those that were not used since the call before, so that moves are the same in each run. */
HAK_HIDDEN void hak_large_tend(void);

/* Gives a block that the BigCache kept down to L2.5, the spare mappings or the kernel. Returns the
 * bytes that the kernel got. */
HAK_HIDDEN size_t hak_large_release(struct hak_large *large);

/* The calling thread ends. Late calls of it are served without a BigCache. */
HAK_HIDDEN void hak_large_thread_end(void);

/* In the child of a fork, on its only thread. */
HAK_HIDDEN void hak_large_after_fork(void);

#endif
