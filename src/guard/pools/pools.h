/* The door of the room that keeps the program's own pools, as hakmem.h's hak_pool_* tell of them.
 *
 *   hak_pool_alloc(pool, piece, bytes) --> pools.c     what the call may do
 *     |    call.h    a call: its stack, the facts of a fault, its record
 *     |    places.h  at which of the pool's places the piece is, and the moves that are legal
 *     |    redzone.h the room around the piece: filled, compared
 *     |    blocks.h  pieces that are guarded blocks
 *     v
 *   pieces.h   address --hash--> struct hak_pool, struct hak_piece
 *
 * Ownership: the table belongs to the process, and has one lock, the last of all ranks. The room
 * may call guard/locate, the tracer and the platform. The leak scan reads the table (pieces.h),
 * with all threads stopped; sweeps call hak_redzone_sweep. Guarded blocks are opened and closed by
 * the checks themselves (guard/pieces.c), without the lock. */
#ifndef HAK_GUARD_POOLS_POOLS_H
#define HAK_GUARD_POOLS_POOLS_H

#include "guard/pools/blocks.h"
#include "guard/pools/pieces.h"
#include "guard/pools/redzone.h"

#endif
