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
/* Makes the block, whose first byte is the call's piece, a piece of its pool, and copies the pool's
 * name. False: the pool is not there any more, or there is no room; nothing changed. */
HAK_HIDDEN bool hak_pool_add_guarded(const struct hak_pool_call *call, struct hak_large *block,
                                     char name[HAK_POOL_NAME]);
/* The outcome of hak_pool_give. */
enum hak_pool_given {
    HAK_POOL_GIVEN,       /* all is done, or a fault is reported */
    HAK_POOL_GIVEN_BLOCK, /* the block is no piece any more, and has to be closed */
    HAK_POOL_IS_PLAIN,    /* nothing is done: the pool's own piece there is no guarded one */
};
/* Ends the life of the call's piece, with its faults. `block`: the live guarded block that begins
 * there; NULL: none does. `is_guarded`: not that of a plain piece, as it may lie in another pool's
 * guarded one. (pools.c) */
HAK_HIDDEN enum hak_pool_given hak_pool_give(const struct hak_pool_call *call,
                                             struct hak_large *block, bool is_guarded);

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
