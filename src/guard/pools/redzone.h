/* The room that a pool of the program's leaves around its pieces (hakmem.h's hak_pool_redzone): it
 * is filled when a piece is handed out, and compared when the piece ends and in sweeps.
 *
 *   | before | piece | behind || before | piece | behind |
 *     ######           ######    ######           ######     each byte by its address
 *
 * All of it is called with the lock of the pieces held, but for hak_redzone_sweep. */
#ifndef HAK_GUARD_POOLS_REDZONE_H
#define HAK_GUARD_POOLS_REDZONE_H

#include "guard/pools/pieces.h"

enum { HAK_REDZONE_MOST = 4096 }; /* bytes on each side that are compared */

/* Some pool leaves room: sweeps have something to look at. */
HAK_HIDDEN extern _Atomic bool hak_redzones_are_kept;

/* Fills the room around a piece that the pool has just handed out, as far as it lies in the piece's
 * block of malloc, and lists the piece. */
HAK_HIDDEN void hak_redzone_fill(struct hak_pool *pool, struct hak_piece *piece);
/* Compares the room around a piece, unless its damage was told, it cannot be read or the piece's
 * block of malloc was freed. Where it is changed: fills in the facts of the damage, notes it as
 * told and returns true. */
HAK_HIDDEN bool hak_redzone_look(struct hak_piece *piece, struct hak_fault_facts *facts);
/* The same of all listed pieces of a pool, whose list is emptied. The facts are those of the first
 * one, and how many more there are. */
HAK_HIDDEN bool hak_redzone_look_at_all(struct hak_pool *pool, struct hak_fault_facts *facts);

/* Looks at the room around all live pieces, and reports those with damage. Returns how many. */
HAK_HIDDEN size_t hak_redzone_sweep(enum hak_found_by found_by);

#endif
