/* Finds the blocks that an address belongs to. */
#ifndef HAK_STORE_HISTORY_LOOKUP_H
#define HAK_STORE_HISTORY_LOOKUP_H

#include "store/reader/reader.h"

/* The bases of blocks that covered `address` at any time (user pointers, interior pointers, bases),
 * newest use first: fills at most `max`, returns their number. */
struct hak_block_key {
    uint64_t base;
    uint64_t slot_bytes;
    uint64_t last_event;
    uint32_t process; /* row id */
    uint8_t class_index;
};

/* Finds the blocks around `address`, `max` at most, the one used last first. Returns how many, or
 * an error. */
int hak_store_blocks_at(struct hak_store_reader *r, uint64_t address, uint32_t process,
                        struct hak_block_key *out, int max);

/* The block around the address that was used last, in a process of `lineage` (NULL = any), by
 * events up to `id_to` and `ns_to` (0 = all): 1 found, 0 none, or an error. Reads
 * backwards, so it is quick. */
struct hak_lineage;

/* Finds the block around `address` that was used last, of the lineage (NULL: of any process), up to
 * an event and time. 1 found, 0 none, or an error. */
int hak_block_newest(struct hak_store_reader *r, uint64_t address,
                     const struct hak_lineage *lineage, uint64_t id_to, uint64_t ns_to,
                     struct hak_block_key *out);

#endif
