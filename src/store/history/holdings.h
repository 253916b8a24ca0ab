/* The blocks that a process holds, by base, while its events are read one after the other. A fork
 * costs as much as was changed since the last one: parent and child share what they have, and each
 * puts its changes above it.
 *
 *   parent: changes --+
 *                     +--> shared, not changed any more --> shared with an older child --> ...
 *   child:  changes --+
 *
 * Two layers are joined at the next fork if nobody else uses the lower one, or if they are of about
 * one size, so that a search goes through few. For one thread. */
#ifndef HAK_STORE_HISTORY_HOLDINGS_H
#define HAK_STORE_HISTORY_HOLDINGS_H

#include <stdbool.h>
#include <stdint.h>

struct hak_held_block {
    uint64_t base; /* 0 = a free place */
    uint64_t size, ns;
    uint64_t birth; /* the caller's */
    uint32_t row, thread;
    uint8_t class_index;
    bool is_gone : 1; /* of a layer: the block below is not held any more */
    bool is_before : 1, is_inherited : 1, is_birth_known : 1; /* the caller's */
    uint8_t step : 2;                                         /* the caller's */
    uint64_t user_distance : 48; /* the caller's: user - base, the low bits of it */
};

struct hak_holdings;

/* The layers of several processes, with the number of blocks in all of them. Starts as zeros. */
struct hak_holdings_layer;
struct hak_holdings_family {
    struct hak_holdings_layer *first;
    uint64_t blocks;
};

/* Without memory: NULL or false. `family` outlives all that is made or forked in it. */
struct hak_holdings *hak_holdings_make(struct hak_holdings_family *family);
void hak_holdings_free(struct hak_holdings *held);
/* A base above about half of the blocks of the family, and above its lowest; 0 = there is none. */
bool hak_holdings_find_middle(const struct hak_holdings_family *family, uint64_t *out);
/* Forgets all blocks of the family with bases from `below` on. */
bool hak_holdings_drop_from(struct hak_holdings_family *family, uint64_t below);
/* The blocks that a child of a fork holds. */
struct hak_holdings *hak_holdings_fork(struct hak_holdings *parent);
/* The block at `base`, NULL = not held. It stays until the next change. */
const struct hak_held_block *hak_holdings_find(const struct hak_holdings *held, uint64_t base);
/* Holds a copy of `block` from now on, in the place of another with its base. */
bool hak_holdings_put(struct hak_holdings *held, const struct hak_held_block *block);
bool hak_holdings_remove(struct hak_holdings *held, uint64_t base);
/* Each block that is held, in no order. */
void hak_holdings_each(const struct hak_holdings *held,
                       void (*each)(void *context, const struct hak_held_block *block),
                       void *context);

#endif
