/* Follows many blocks at once through their records: the one rule for what comes next.
 *
 *   (process, base) -> block: generation and id of its last record, and what the user keeps of it
 *
 * The records of a block lie in the store in the order of their generations
 * (docs/specs/event-log.md, Order); one out of order is reported and changes nothing. A forked
 * child's block goes on from that of the nearest ancestor that has one. The state of the ancestor's
 * block at the FORK is known if the block has no record behind that; one record may be missing
 * between, which another thread of the parent had counted when the child was copied, and wrote
 * behind the FORK.
 *
 * Memory for each block: 32 bytes, what the user keeps, and its entry in the index. For one thread.
 */
#ifndef HAK_STORE_READER_FOLLOW_H
#define HAK_STORE_READER_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/index.h"

struct hak_store_reader;

#define HAK_FOLLOW_PROCESSES (1u << 24) /* greater rows are not followed */

struct hak_followed {
    uint64_t base;
    uint64_t generation; /* of the last record with one */
    uint64_t last_id;    /* of the last record */
    uint32_t process : 24;
    uint32_t is_midway : 1; /* what it was before its first record is not known here */
    uint32_t is_known : 1;  /* a record was followed, here or in an ancestor */
    uint32_t has_place : 1;
    uint8_t place; /* where it is, if `has_place`; the user's to write */
    uint64_t kept[];
};

/* How a record follows the one before. */
struct hak_follow_step {
    struct hak_followed *block;
    uint64_t before;  /* generation of the last one, 0 = not known */
    uint64_t missing; /* so many records of the block before it are not there */
    bool is_early;    /* its generation is not after that of the record before */
    bool is_new;      /* another epoch, or nothing was known */
};

struct hak_follow {
    char *blocks; /* in the order of their first records */
    uint32_t used, room, block_bytes;
    struct hak_index index;
    uint32_t *parent_of; /* process row -> parent's row in the same session, 0 = none */
    uint64_t *fork_of;   /* and id of the FORK that made it, 0 = not known */
    uint32_t processes;
    bool may_start_late; /* the oldest records are gone: any may be a block's first */
};

/* Begins to follow blocks. `kept_bytes`: of each block, a multiple of 8; zero at first, copied for
 * a forked child. 0 or an error. */
int hak_follow_init(struct hak_follow *f, struct hak_store_reader *r, uint32_t kept_bytes);
void hak_follow_free(struct hak_follow *f);
/* Forgets every block. */
void hak_follow_clear(struct hak_follow *f);
/* The block's next record; its base and process are not 0. block NULL: memory is out. It stays
 * until the next call. */
struct hak_follow_step hak_follow_next(struct hak_follow *f, uint32_t process, uint64_t base,
                                       uint64_t generation, uint64_t id);

/* Block `i` of the f->used that there are. */
static inline struct hak_followed *hak_follow_block(const struct hak_follow *f, uint32_t i) {
    return (struct hak_followed *)(void *)(f->blocks + (size_t)i * f->block_bytes);
}
/* Forgets the blocks from base `below` on. False when memory is out. */
bool hak_follow_keep_below(struct hak_follow *f, uint64_t below);

#endif
