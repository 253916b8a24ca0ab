/* BigCache: large blocks that a thread gave back, kept whole for its next ones.
 *
 *   give --> hot --> newest                                  oldest --> L2.5, or the kernel
 *            | block <-> block <-> block <-> block <-> block |   out of its bytes, or unused for a
 *   take <-- found by size and caller:                           tenth of a second
 *            bins[size, eight to each doubling] --> block --> block
 *
 * A block serves the next call for its size, or for as little as four fifths of it. Among those
 * that fit, one that the same place in the program had is taken before others: its size is most
 * likely the very one, and so are the pages that it touches. Lists, and therefore no number of
 * places that could run out; bounded in bytes: all threads together keep HAKMEM_BIGCACHE_MAX. A
 * thread gets its share of that in steps of 256 KiB and gives back what it does not need, so that
 * keeping and finding touch nothing that others touch.
 *
 *   process: shared bytes <= maximum       thread: kept bytes <= share
 *
 * A kept block stays in the address map, as HAK_LARGE_KEPT: a second free of it is noticed.
 *
 * Ownership: a cache belongs to its thread; no lock. When the thread ends it is emptied and waits
 * for another. A cache that a fork leaves behind is emptied by the next thread of the child that
 * finds nothing in its own; only `bins` and `next` are believed then, which change by one store.
 *
 * Not in level normal of the debug build: freed blocks are inaccessible there at once.
 *
 * May call: large_map, platform, and hak_large_release (large.c). */
#ifndef HAK_LARGE_BIGCACHE_H
#define HAK_LARGE_BIGCACHE_H

#include "large/large.h"

/* Blocks given to a cache between two looks at what it does not use. */
#define HAK_BIGCACHE_LOOK_EVERY (hak_is_debug_build ? 1024 : 64)

/* The part of a thread's cache that the shortest way knows (hot.h). */
struct hak_bigcache {
    struct hak_large *hot;  /* the block that came last, in no list; or NULL */
    struct hak_large *last; /* of the block that went last: perhaps another's by now */
    uint64_t hot_room;      /* bytes that the hot block may have at most */
    int32_t until_look;     /* blocks to come before the one at which there is a look; or less */
    uint32_t look;          /* counts these looks */
};

/* Takes the place of a cache in threads without one: no block, and none fits. Never written. */
HAK_HIDDEN extern struct hak_bigcache hak_bigcache_none;

/* The calling thread's; hak_bigcache_none until its first large block, and after its end. */
HAK_HIDDEN extern _Thread_local struct hak_bigcache *hak_bigcache_own
    __attribute__((tls_model("initial-exec")));

/* True when a block serves a call for `bytes`. */
static inline bool hak_bigcache_fits(const struct hak_large *large, size_t bytes) {
    return large->mapped_bytes >= bytes && large->mapped_bytes <= bytes + bytes / 4;
}

/* A kept block of at least `bytes` (whole pages), of `caller` if there is one; HAK_NO_BASE's NULL
 * when none fits. It is HAK_LARGE_LIVE then. */
HAK_HIDDEN struct hak_large *hak_bigcache_take(size_t bytes, const void *caller);

/* Takes a kept block of `bytes` to `most_bytes`, of any caller, for a block that grows and may grow
 * on; NULL: none. */
HAK_HIDDEN struct hak_large *hak_bigcache_take_longer(size_t bytes, size_t most_bytes,
                                                      const void *caller);

/* Keeps a block, which is HAK_LARGE_KEPT already, as the hot one. False: the thread has no cache,
 * or the block is too large for its share. */
HAK_HIDDEN bool hak_bigcache_give(struct hak_large *large);

/* Sets how many bytes a cache keeps however little is in use (tests of what is kept; 1 MiB). */
HAK_HIDDEN void hak_bigcache_set_least(uint64_t bytes);

/* Gives the blocks that the calling thread keeps to L2.5, the spare mappings or the kernel; returns
 * the bytes that the kernel got. */
HAK_HIDDEN size_t hak_bigcache_trim(void);

/* The same of what it did not use for a while; to be called now and then. */
HAK_HIDDEN void hak_bigcache_tend(void);

/* Empties the calling thread's cache at its end. It keeps nothing from now on. */
HAK_HIDDEN void hak_bigcache_thread_end(void);

/* In the child of a fork, on its only thread. */
HAK_HIDDEN void hak_bigcache_after_fork(void);

/* Checks that shares, bytes and lists agree: NULL, or what does not; adds up blocks and bytes. For
 * moments when no other thread is at work. */
HAK_HIDDEN const char *hak_bigcache_verify(size_t *blocks, size_t *bytes);

/* True in the child of a fork: a block that another thread had just in its hands is in no cache,
 * also where there are none (level normal). */
HAK_HIDDEN bool hak_bigcache_may_have_lost(void);

#endif
