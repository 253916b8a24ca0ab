/* The places at which the program's own pools keep their pieces, and the moves between them that
 * are legal (hakmem.h: hak_pool_allow, hak_pool_move). With the lock of the pieces held.
 *
 *   new --alloc--> out --free--> free --alloc--> out      always legal
 *   free --> "cache" --> "list" --> out                   where the pool's table says so
 */
#ifndef HAK_GUARD_POOLS_PLACES_H
#define HAK_GUARD_POOLS_PLACES_H

#include "guard/pools/call.h"

enum {
    HAK_POOL_PLACE_OUT = 0,  /* with the program */
    HAK_POOL_PLACE_FREE = 1, /* given back, and nothing more is known */
    HAK_POOL_PLACE_NEW = 2,  /* never seen before */
    HAK_POOL_PLACE_FIRST,    /* of the pool's own */
};

/* Finds the fault of a move of the piece to a place, by the pool's table; 0 = none. `piece` is NULL
 * where no piece of the pool is known at the call's address. */
HAK_HIDDEN struct hak_fault_facts hak_pool_judge_move(const struct hak_pool_call *call,
                                                      const struct hak_pool *pool,
                                                      const struct hak_piece *piece, unsigned to);

#endif
