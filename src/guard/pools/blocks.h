/* Pieces that are guarded blocks (hakmem.h's hak_pool_alloc_guarded): each is in the chain of its
 * pool, so that a reset or a destroy finds them.
 *
 *   struct hak_pool --guarded--> struct hak_large <--next, prev--> struct hak_large
 *
 * The chains are under the lock of the pieces. Blocks are opened and closed without it, by the
 * checks themselves (guard/pieces.c): who takes a block out of a chain closes it. */
#ifndef HAK_GUARD_POOLS_BLOCKS_H
#define HAK_GUARD_POOLS_BLOCKS_H

#include "guard/pools/call.h"
#include "large_map/large_map.h"

/* Without the lock. */

/* Whether the pool at the address may hand out a guarded piece: it was created and not destroyed.
 */
HAK_HIDDEN bool hak_pool_takes_guarded(uintptr_t pool);
/* Whether the pool has a piece of its own at the address that is no guarded one: it may lie in
 * another pool's. */
HAK_HIDDEN bool hak_pool_has_plain(uintptr_t pool, uintptr_t piece);
/* Makes the block, whose first byte is the call's piece, a piece of its pool, and copies the pool's
 * name. False: the pool is not there any more, or there is no room; nothing changed. */
HAK_HIDDEN bool hak_pool_add_guarded(const struct hak_pool_call *call, struct hak_large *block,
                                     char name[HAK_POOL_NAME]);
/* Ends the life of the call's piece, as hak_pool_free does, with its faults. True: the block is no
 * piece any more, and has to be closed. */
HAK_HIDDEN bool hak_pool_give_guarded(const struct hak_pool_call *call, struct hak_large *block);

/* Closes the blocks of a chain that is no pool's, from `first` on (NULL: none). */
HAK_HIDDEN void hak_pool_close_blocks(struct hak_large *first);
/* Closes one of them; set at the start. */
HAK_HIDDEN extern void (*hak_pool_close_block)(struct hak_large *block);

/* With the lock. */

/* Whether a live piece, of whichever pool, is at the address. */
HAK_HIDDEN bool hak_pool_has_block(uintptr_t piece);
/* Takes the block out of its chain, that of `pool`, or NULL where its pool is forgotten. */
HAK_HIDDEN void hak_pool_unlink_block(struct hak_pool *pool, struct hak_large *block);
/* Takes the blocks out of the chain of a pool that has just been reset or ends: the first of a
 * chain that is nobody's. Those that have a byte in the range, which may be empty, live on in the
 * pool. */
HAK_HIDDEN struct hak_large *hak_pool_take_blocks(struct hak_pool *pool, uintptr_t from,
                                                  uint64_t bytes);

#endif
