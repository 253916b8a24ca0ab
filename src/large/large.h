/* Large blocks: a mapping for each, and a table that finds it by its address.
 *
 *   address --hash--> shard (16, a lock each) --> bucket --> struct hak_large <-> ...
 *
 * The table is out of line, so that nothing lies in front of the program's bytes; it grows by
 * doubling a shard's buckets. A struct hak_large does not move while its block lives.
 *
 * Who owns what: the block belongs to the program, its struct to whoever holds the block; the
 * shard's lock guards only the way to it.
 *
 * May call: platform. */
#ifndef HAK_LARGE_LARGE_H
#define HAK_LARGE_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include "block.h"
#include "superslab.h"

struct hak_large {
    base_t base;            /* first byte of the mapping */
    size_t mapped_bytes;    /* of the mapping, whole pages */
    struct hak_large *next; /* in its bucket, or in the shard's list of unused ones */
    bool is_fresh;          /* all zero when it was taken */
    size_t asked_bytes;     /* debug, as is all that follows: written by the checks */
    size_t user_delta;      /* user - base, bytes */
    struct hak_slot slot;   /* place is HAK_PLACE_LARGE when the block is fresh */
    uint32_t epoch;         /* 0 when the block is fresh */
};

/* A block of at least `bytes` at a multiple of `alignment` (a power of two; at most a page costs
 * nothing). HAK_NO_BASE when there is no memory. Any thread. */
HAK_HIDDEN base_t hak_large_take(size_t bytes, size_t alignment);

/* True when the block that starts at `base` came from the kernel, all zero, and not from the spare
 * mappings (spare.h). */
HAK_HIDDEN bool hak_large_is_fresh(base_t base);

/* The large block that starts at `start`; NULL when none does. Any thread. */
HAK_HIDDEN struct hak_large *hak_large_find(const void *start);

/* The large block whose mapping holds `p`; NULL when none does. Looks at all of them: for reports.
 */
HAK_HIDDEN struct hak_large *hak_large_containing(const void *p);

/* How many large blocks there are, and the bytes of their mappings. Looks at all of them. */
HAK_HIDDEN size_t hak_large_count(size_t *mapped_bytes);

/* Gives back the block that starts at `base`. False: there is none (another thread was faster). */
HAK_HIDDEN bool hak_large_give(base_t base);

/* Resizes a block the caller owns to hold `bytes` without moving it; false when it cannot be done.
 */
HAK_HIDDEN bool hak_large_resize(base_t base, size_t bytes);

/* The same, but its pages may move to another address, which costs no copying. HAK_NO_BASE when
 * there is no memory; the block is as it was then. */
HAK_HIDDEN base_t hak_large_move(base_t base, size_t bytes);

/* Taken before fork, released after it on both sides. */
HAK_HIDDEN void hak_large_lock_all(void);
HAK_HIDDEN void hak_large_unlock_all(void);

#endif
