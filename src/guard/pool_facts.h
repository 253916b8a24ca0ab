/* Facts of faults of the program's own pools: the pool, the piece, the pool that the piece is of.
 * With the lock of the pieces held. */
#ifndef HAK_GUARD_POOL_FACTS_H
#define HAK_GUARD_POOL_FACTS_H

#include "guard/pieces.h"

/* Copies a name, cut to fit and filled up with NUL; NULL is a name of no bytes. */
HAK_HIDDEN void hak_pool_copy_name(char to[HAK_POOL_NAME], const char *name);

/* Adds the pool that the fault is about, and, where it is not NULL, what is known of the piece. */
HAK_HIDDEN void hak_pool_add_facts(struct hak_fault_facts *facts, const struct hak_pool *pool,
                                   const struct hak_piece *piece);

#endif
