/* The live blocks while the log is read: the slot of each, and the call that touched it last. Slots
 * that are free wait until their reuse needs no wait. Memory grows with the most blocks that live
 * at once. */
#ifndef HAK_VIEWER_REPLAY_BLOCKS_H
#define HAK_VIEWER_REPLAY_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

struct replay_block {
    uint64_t address; /* what the program held; 0 = none */
    uint64_t bytes;
    uint32_t slot;
    uint32_t thread, call, epoch; /* of the last call: who made it, and its number there */
};

struct replay_blocks {
    struct replay_block *place; /* by a hash of the address */
    uint64_t room, count;       /* room: a power of two */
    uint64_t live_bytes, most_bytes, most_blocks;
    struct free_slot *freed; /* a queue: the oldest first */
    uint64_t freed_first, freed_count;
    uint32_t freed_room;
    uint32_t slots; /* handed out so far */
};

/* Adds a block. False: no memory. */
bool blocks_add(struct replay_blocks *blocks, const struct replay_block *block);
/* Takes the block of an address out, into `out`. False: there is none. */
bool blocks_take(struct replay_blocks *blocks, uint64_t address, struct replay_block *out);
/* Finds the block of an address; holds until the next call. NULL: there is none. */
struct replay_block *blocks_find(struct replay_blocks *blocks, uint64_t address);

/* A slot that nobody has touched since two epochs before `epoch`, or a new one. UINT32_MAX: all are
 * taken. */
uint32_t slots_take(struct replay_blocks *blocks, uint32_t epoch);
/* Gives a slot back that was touched last in `epoch`. False: no memory. */
bool slots_give(struct replay_blocks *blocks, uint32_t slot, uint32_t epoch);

void blocks_free(struct replay_blocks *blocks);

#endif
