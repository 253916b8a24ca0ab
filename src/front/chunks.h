/* The pool of chunks: a few in each thread, the rest under hak_chunks_lock. Chunks have a pool of
 * their own, because taking one from a front would call the drain that is just at work. Never
 * unmapped. In the child of a fork the list can be believed at every instruction: a chunk leaves it
 * before it is written to, and is whole when it comes. For front/ only. */
#ifndef HAK_FRONT_CHUNKS_H
#define HAK_FRONT_CHUNKS_H

#include "front/mailbox.h"
#include "front/remote.h"

/* An empty chunk; NULL without memory. `remote` is the calling thread's, NULL where it has none. */
HAK_HIDDEN struct hak_chunk *hak_chunk_take(struct hak_remote *remote);

/* Gives a chunk back that nobody else knows of. */
HAK_HIDDEN void hak_chunk_drop(struct hak_remote *remote, struct hak_chunk *chunk);

/* Frees the chunks' lock in the child of a fork; if another thread held it, the rest of the mapping
 * that chunks are cut from is given up. */
HAK_HIDDEN void hak_chunks_after_fork(void);

#endif
