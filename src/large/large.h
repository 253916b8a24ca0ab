/* Large blocks: whole pages each, found by their address, kept for the next ones on the way to the
 * kernel.
 *
 *   take --> BigCache (of the thread) --> L2.5 (up to 1 MiB) --> held --> spare --> mmap
 *   give --> BigCache ----------------->  L2.5, spare (too large for a BigCache), or munmap
 *
 *   address --address_map--> struct hak_large --> base, bytes, state
 *
 *   state   LIVE --give--> KEPT --BigCache--> LIVE
 *                               \--L2.5 or the kernel--> out of the map
 *
 * The structs are out of line, so that nothing lies in front of the program's bytes; one stays with
 * its block as long as that is live or kept, and its memory is never given back.
 *
 *   bigcache.h     blocks kept whole, for each thread          no lock
 *   l25.h          page runs of shards                         a lock for each; none is waited for
 *   address_map.h  address to block                            none to look up
 *   held.h         mappings that munmap refused                one
 *   spare.h        mappings too large for a BigCache           one, tried and not waited for
 *   walk.h         all of it, for checks and statistics
 *
 * In level normal of the debug build BigCache and L2.5 are off: each block is a mapping, and is
 * unmapped when it is freed.
 *
 * Ownership: a block and its struct belong to the holder of the block: the program, or the cache.
 * Of two threads that free the same block the second gets the error, unless both do so within
 * nanoseconds; the debug build decides even then, by a compare-and-swap of the slot's place.
 *
 * May call: platform. */
#ifndef HAK_LARGE_LARGE_H
#define HAK_LARGE_LARGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "block.h"
#include "superslab.h"

struct hak_page_chunk;

enum hak_large_state {
    HAK_LARGE_LIVE,     /* the program's */
    HAK_LARGE_KEPT,     /* given back: in the BigCache, or on its way down; or guarded */
    HAK_LARGE_CHANGING, /* guarded, and somebody opens or closes its pages */
};

/* The end of a guarded block's pages at which its bytes lie (guarded/guarded.h). */
enum hak_guarded_side {
    HAK_NOT_GUARDED,
    HAK_GUARDED_AFTER,  /* they end where the pages do */
    HAK_GUARDED_BEFORE, /* they begin where the pages do */
};
enum hak_guarded_watch {
    HAK_GUARDED_UNWATCHED, /* but for its closed pages */
    HAK_GUARDED_WATCHED,   /* by a debug register when there is one (HAKMEM_WATCH) */
    HAK_GUARDED_EXPECTED,  /* before all others, since a run before has found damage there */
    HAK_GUARDED_NEWEST,    /* the first of its site: until later ones come */
};

/* When the block came to the program and went, by TSC, and which thread's call that was. */
struct hak_large_life {
    uint64_t born_ticks, freed_ticks;
    uint32_t born_thread, freed_thread;
};

struct hak_large {
    base_t base;            /* first byte */
    size_t mapped_bytes;    /* whole pages */
    size_t room_bytes;      /* debug: closed pages behind them, held for the block to grow into */
    struct hak_large *next; /* in its bin of the BigCache, or among structs that are not in use */
    union {
        struct {
            struct hak_large *prev;  /* in its bin */
            struct hak_large *newer; /* in the order of coming to the BigCache */
            struct hak_large *older;
        };
        struct hak_large_life life; /* of a guarded one, in level light */
    };
    const void *caller;           /* return address in the program, of the call that took it */
    struct hak_page_chunk *chunk; /* of the L2.5 pool; NULL for a mapping of its own */
    uint32_t look;                /* of the BigCache, when it came there */
    _Atomic uint8_t state;        /* enum hak_large_state */
    bool is_fresh;                /* all zero when it was taken */
    union {
        uint16_t origin;       /* of a mapping that was spare (spare.h); plain build */
        uint16_t guarded_side; /* debug: enum hak_guarded_side */
    };
    size_t asked_bytes;   /* debug, as is all that follows: written by the checks */
    size_t user_delta;    /* user - base, bytes */
    struct hak_slot slot; /* place is LARGE when the block was mapped, L25 out of the pool */
    uint32_t epoch;       /* 0 when the block is fresh */
    uint16_t
        watch_from; /* of HAKMEM_GUARD=only: bytes behind its last one that a register watches */
    uint8_t watch;  /* enum hak_guarded_watch */
};

/* A block of at least `bytes` at a multiple of `alignment` (a power of two; at most a page costs
 * nothing), for the call in the program that returns to `caller`. HAK_NO_BASE when there is no
 * memory. Any thread. */
HAK_HIDDEN base_t hak_large_take(size_t bytes, size_t alignment, const void *caller);

/* The same for a block that grows for at least the second time, in the debug build, which does not
 * move pages: `room_bytes` of address space behind it are held for it, closed and without memory,
 * so that it grows without a copy. Where there are none, or L2.5 serves the block, it is a block as
 * any other. */
HAK_HIDDEN base_t hak_large_take_with_room(size_t bytes, size_t room_bytes, const void *caller);

/* True when the live block that starts at `base` is all zero since the kernel gave it. */
HAK_HIDDEN bool hak_large_is_fresh(base_t base);

/* The large block that starts at `start`, live or kept whole; NULL when none does. Any thread. */
HAK_HIDDEN struct hak_large *hak_large_find(const void *start);

/* True when the program has the block. */
static inline bool hak_large_is_live(const struct hak_large *large) {
    return atomic_load_explicit(&large->state, memory_order_relaxed) == HAK_LARGE_LIVE;
}

/* The block that holds `p`, live or kept whole; NULL when none does. For reports. */
HAK_HIDDEN struct hak_large *hak_large_containing(const void *p);

/* True when `p` lies in memory that BigCache, L2.5, the spare mappings or the list of what munmap
 * refused keep, so that a free of it is a second one. For reports. */
HAK_HIDDEN bool hak_large_keeps(const void *p);

/* How many blocks the program has, and the bytes of their pages. Visits all of them
 * (totals.c). */
HAK_HIDDEN size_t hak_large_count(size_t *mapped_bytes);

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

/* The same, but the block may move: into one whose pages are there, by a copy, else its pages go to
 * another address. HAK_NO_BASE when there is no memory, or where L2.5 serves both sizes; the block
 * is as it was then. */
HAK_HIDDEN base_t hak_large_move(base_t base, size_t bytes);

/* Gives what this thread and the process keep back to the kernel; returns the bytes. */
HAK_HIDDEN size_t hak_large_trim(void);

/* To be called now and then by any thread, also one that makes no large calls any more: blocks that
 * were not used for a tenth of a second go down or back to the kernel. In the debug build those
 * that were not used since the call before, so that moves are the same in each run. */
HAK_HIDDEN void hak_large_tend(void);

/* For the BigCache: a block that it kept goes down, to L2.5, the spare mappings or the kernel.
 * Returns the bytes that the kernel got. */
HAK_HIDDEN size_t hak_large_release(struct hak_large *large);

/* The calling thread ends. Late calls of it are served without a BigCache. */
HAK_HIDDEN void hak_large_thread_end(void);

/* In the child of a fork, on its only thread. */
HAK_HIDDEN void hak_large_after_fork(void);

#endif
