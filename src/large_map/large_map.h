/* Finds large blocks by address. The large layer, guarded blocks and guard use it.
 *
 *   address --address_map--> struct hak_large --> base, bytes, state
 *
 *   address_map.h  address to block                    no lock to look up
 *   memory.h       the structs, and parts of the map   one lock
 *
 * The structs are out of line, so that nothing lies in front of the program's bytes. Their memory
 * is never given back, so that a struct that was found can be read for ever. A struct belongs to
 * the holder of its block (large/large.h).
 *
 * Thread and signal safety: lookups from any thread and any signal handler; any value of a pointer.
 *
 * May call: platform. */
#ifndef HAK_LARGE_MAP_LARGE_MAP_H
#define HAK_LARGE_MAP_LARGE_MAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "block.h"
#include "superslab.h"

/* Blocks up to so many bytes are found by their page, larger ones by the granule in which they
 * start (address_map.h). */
#define HAK_MAP_LEAF_BYTES ((size_t)1 << 20)

struct hak_page_chunk;

enum hak_large_state {
    HAK_LARGE_LIVE,        /* the program's */
    HAK_LARGE_KEPT,        /* given back: in the BigCache, or on its way down; or guarded */
    HAK_LARGE_CHANGING,    /* guarded, and somebody opens or closes its pages */
    HAK_LARGE_SAMPLED = 4, /* the program's, and in the heap profile: a bit of its own */
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
    base_t base;         /* first byte */
    size_t mapped_bytes; /* whole pages */
    size_t room_bytes;   /* debug: closed pages behind them, held for the block to grow into */
    union {
        struct hak_large *next;  /* in its bin of the BigCache, or among structs not in use; of a
                                  * guarded piece, in its pool's chain */
        _Atomic uint32_t sample; /* level light, while the program has it: its number in the heap
                                  * profile, where it is SAMPLED; 0 or so of a guarded one */
    };
    union {
        struct {
            struct hak_large *prev;  /* in its bin, or chain */
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
    uint16_t watch_from;  /* HAKMEM_GUARD=only: bytes behind its last one, to be watched */
    uint8_t watch;        /* enum hak_guarded_watch */
    uint8_t closed_by;    /* of a guarded one: enum hak_closed_by (guarded/closed.h) */
    uint8_t tag;          /* of all its memory; 0: it has none, but perhaps a border (guard/tags) */
    bool is_of_pool; /* of a guarded one: one of the program's own pools hands it out (hakmem.h) */
    bool pool_ended; /* and that pool was reset or destroyed: whoever did that closes the block */
};

/* The large block that starts at `start`, live or kept whole; NULL when none does. Any thread. */
HAK_HIDDEN struct hak_large *hak_large_find(const void *start);

/* True when the program has the block. */
static inline bool hak_large_is_live(const struct hak_large *large) {
    uint8_t state = atomic_load_explicit(&large->state, memory_order_relaxed);
    return (state & ~HAK_LARGE_SAMPLED) == HAK_LARGE_LIVE;
}

/* True when the struct is that of the live block at `start`, which is in no heap profile. Also of
 * one that is another thread's: a block is live by its base, which is written before, and a struct
 * in no use has none. */
static inline bool hak_large_is_live_at(const struct hak_large *large, const void *start) {
    return atomic_load_explicit(&large->state, memory_order_acquire) == HAK_LARGE_LIVE &&
           __atomic_load_n(&large->base.p, __ATOMIC_RELAXED) == start;
}

/* The block that holds `p`, live or kept whole; NULL when none does. For reports. */
HAK_HIDDEN struct hak_large *hak_large_containing(const void *p);

/* Calls `visit` for each block, live or kept: for every one up to HAK_MAP_LEAF_BYTES, lowest
 * address first, then for every one above. Returns how many there were. Takes no lock: while other
 * threads work, what comes and goes may be missing. */
HAK_HIDDEN size_t hak_large_each(void (*visit)(struct hak_large *, void *), void *context);

#endif
