/* The one per-class table of the process: the fronts of a class, their capacities, and the blocks
 * that move at a time. Made once at start from the options; written by learning later, by nobody
 * else.
 *
 *   options (bands C0..C12) --> hak_plan[class] --> a thread's arrays and caches, at its start
 *   hak_plan_set -------------->                --> and at its next slow path
 *
 *   way       first fronts, in this order    base
 *   ARRAY     -                              array in TLS, the fast paths' own (the mid layer's
 *                                            ring, where mid serves the class)
 *   MAGAZINE  -                              magazine, TLS SLL
 *   CHAIN     UltraHot HeapV2 FC SFC         array, or magazine + TLS SLL, or one of the two, or
 *             Small-Mid                      hot ring + TLS SLL, or nothing
 *   NONE      -                              nothing: each block goes from the slab and back
 *
 * A class that is not ARRAY has its array off, so that the fast paths find it empty and full at
 * once and take the slow path; all that stands here costs the default nothing.
 *
 * Thread safety: the ways and caches are written before the second thread starts. Capacity, batch
 * and limit are relaxed atomics: a thread may act on an older value for a while. */
#ifndef HAK_FRONT_PLAN_H
#define HAK_FRONT_PLAN_H

#include <stdatomic.h>
#include "hop.h"
#include "options.h"
#include "size_class.h"

#define HAK_ARRAY_PLACES       64                /* in every thread's block, of each array */
#define HAK_ARRAY_MOST         4096              /* places that an array may have */
#define HAK_ARRAY_BYTES        ((size_t)1 << 20) /* in all blocks of a full array */
#define HAK_MAGAZINE_MAX_BYTES 1024              /* the largest class with a magazine */
#define HAK_CACHES_OF_CLASS    7                 /* five first fronts and a base of two */

enum hak_way { HAK_WAY_NONE, HAK_WAY_ARRAY, HAK_WAY_MAGAZINE, HAK_WAY_CHAIN };

struct hak_class_plan {
    _Atomic uint16_t capacity; /* of the base's first cache when a thread starts; 0 = it has none */
    _Atomic uint16_t batch;    /* blocks moved by a refill or a spill; 0 = half the capacity */
    _Atomic uint16_t limit;    /* how far an array may grow by itself */
    uint8_t way;               /* enum hak_way */
    uint8_t caches;            /* how many, for MAGAZINE and CHAIN */
    uint16_t first_cache;      /* in hak_plan_caches, and in a thread's caches */
    uint8_t base_cache;        /* the base's first among them */
};

enum hak_storage { HAK_STACK, HAK_RING, HAK_LIST };

/* One cache of one class. */
struct hak_cache_plan {
    uint8_t class_index;
    uint8_t place;   /* enum hak_place */
    uint8_t storage; /* enum hak_storage */
    uint32_t capacity;
    uint32_t batch;
    uint32_t room; /* places of a stack or ring: at least its capacity */
};

HAK_HIDDEN extern struct hak_class_plan hak_plan[HAK_CLASSES];
/* enum hak_place of each class's array, FRONT or MID_RING; UNTOUCHED where its way is no array. */
HAK_HIDDEN extern uint8_t hak_place_of_array[HAK_CLASSES];

HAK_HIDDEN extern struct hak_cache_plan hak_plan_caches[HAK_CLASSES * HAK_CACHES_OF_CLASS];
HAK_HIDDEN extern unsigned hak_plan_cache_count;

/* Changes with every hak_plan_set, so that threads see that there is something to take over. */
HAK_HIDDEN extern _Atomic uint32_t hak_plan_version;

/* Makes the table from hak_options and hak_mid_serves, if it is not made yet. The first call comes
 * before there is a second thread (hak_front_start). A HAKMEM_TINY_TLS_CLASS_OVERRIDE that cannot
 * be read gives one line on stderr. */
HAK_HIDDEN void hak_plan_start(void);

/* Sets, for learning, from any thread, how many places the class's arrays have and how many blocks
 * a refill or spill moves (0 = half). Both are cut to what is possible; arrays do not grow past it
 * by themselves any more. Every thread takes it over at its next slow path in any class. A class
 * without an array or magazine stays as it is. */
HAK_HIDDEN void hak_plan_set(unsigned class_index, unsigned capacity, unsigned batch);

/* The most places that an array of the class may have: HAK_ARRAY_MOST, fewer where HAK_ARRAY_BYTES
 * says so, at least 4; an even number. */
static inline unsigned hak_array_most(unsigned class_index) {
    size_t by_bytes = HAK_ARRAY_BYTES / hak_class_bytes(class_index);
    if (by_bytes >= HAK_ARRAY_MOST)
        return HAK_ARRAY_MOST;
    return by_bytes < 4 ? 4 : (unsigned)by_bytes & ~1u;
}

static inline enum hak_way hak_way_of(unsigned class_index) {
    return (enum hak_way)hak_plan[class_index].way;
}

#endif
