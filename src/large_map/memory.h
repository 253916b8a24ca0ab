/* Memory for the large layer's own data: structs of blocks, leaves, shards, caches.
 *
 * Mapped 64 KiB at a time and never given back, so that a pointer to any of it can always be read.
 * Structs of blocks that lived in mappings of their own serve again; those of the L2.5 pool are
 * kept by its shards.
 *
 * Lock: hak_large_memory_lock, behind all others of the large layer. */
#ifndef HAK_LARGE_MAP_MEMORY_H
#define HAK_LARGE_MAP_MEMORY_H

#include "platform/lock.h"

struct hak_large;

HAK_HIDDEN extern struct hak_lock hak_large_memory_lock;

/* Takes zeroed memory, at most 16 KiB, at a multiple of 64 bytes; NULL when there is none. */
HAK_HIDDEN void *hak_large_memory_take(size_t bytes);
/* As hak_large_memory_take, for whoever holds the lock. */
HAK_HIDDEN void *hak_large_memory_take_locked(size_t bytes);

/* Takes a struct for a block with a mapping of its own, of any content; NULL without memory. */
HAK_HIDDEN struct hak_large *hak_large_struct_take(void);
/* Gives the struct of a block with a mapping of its own back, for the next such block. */
HAK_HIDDEN void hak_large_struct_give(struct hak_large *large);

/* Frees the lock in the child of a fork; if another thread held it, the rest of the piece that
 * structures are cut from is given up. Returns the bytes that are lost at most, PIECE_BYTES, or
 * 0. */
HAK_HIDDEN size_t hak_large_memory_after_fork(void);

#endif
