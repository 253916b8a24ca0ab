/* Parts of scenarios: threads with heaps, blocks in their hands, what must hold at last. */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include "engine.h"
#include "front/thread_block.h"
#include "pool/pool.h"

/* A chunk of two of these is full, a slab holds two, and no slab's bitmap lies in the slab. */
#define BIG HAK_CLASS_OF_32768

/* Before anything else in set_up: options, registry, names for reports. */
void world_start(void);

/* A block of the class for the thread that is in place. */
base_t world_take(unsigned class_index);

/* free(block) by that thread, as route does it. */
void world_give(base_t block);

/* Blocks in the program's hands, by the thread that owns them. */
extern base_t world_blocks[THREADS_MAX][4];

/* Tasks of threads in set_up: begin; begin and take four blocks; take one. */
void world_start_thread(void);
void world_own_four(void);
void world_take_one(void);

/* Checks the end of every schedule: nothing that was posted waits where nobody looks; no lock is
 * held. Then all threads end, and no more than `live_blocks` are out of the slabs; heaps, lists and
 * registry agree on who owns which SuperSlab. */
void world_check(unsigned live_blocks);

#endif
