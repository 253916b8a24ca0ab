/* Facts of the block at an address: the number of its records, and the bytes asked for.
 *
 *   address  46 ........ 33 | 32 ....... 20 | 19 ........... 4 | 3    | 2 1 0
 *            root, 2 of them  middle, 64 KiB  leaf, 512 KiB     root    0
 *
 *   word     n, records so far:32 | bytes asked for:28 | left out:1 | the call that took it:3
 *
 * Records take turns: the block is the program's while n is odd. A leaf stands for 1 MiB, and only
 * its touched pages count: half of the memory of a heap of small blocks, less for larger ones.
 * Allocators put blocks of 8 bytes at odd multiples of 8; those have a root of their own.
 *
 * Of a block above 256 MiB the word has the low bits of its size, and the allocator's own size says
 * the others; where it says none, the word of a larger block has 256 MiB - 1.
 * `left out`: its life began while recording was stopped (docs/specs/ctl.md).
 *
 * Lock: none. A word is changed by the owner of the block; only two that give it back at once meet
 * there, and compare and swap. Mappings stay for good. */
#ifndef HAK_KEEP_BLOCKS_H
#define HAK_KEEP_BLOCKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"

typedef _Atomic uint64_t hak_keep_word_t;

enum {
    HAK_KEEP_SUBKIND_BITS = 3,
    HAK_KEEP_BYTES_BITS = 28,
    HAK_KEEP_BYTES_MAX = (1 << HAK_KEEP_BYTES_BITS) - 1
};

static inline uint32_t hak_keep_count(uint64_t word) {
    return (uint32_t)word;
}
static inline bool hak_keep_is_live(uint64_t word) {
    return (word & 1) != 0;
}
/* After one more record; after 2^32 - 1 comes 0. */
static inline uint64_t hak_keep_counted(uint64_t word) {
    return (word & ~(uint64_t)UINT32_MAX) | (uint32_t)(word + 1);
}
static inline unsigned hak_keep_subkind(uint64_t word) {
    return (unsigned)(word >> (64 - HAK_KEEP_SUBKIND_BITS));
}
#define HAK_KEEP_LEFT_OUT ((uint64_t)1 << (64 - HAK_KEEP_SUBKIND_BITS - 1))
static inline bool hak_keep_is_left_out(uint64_t word) {
    return (word & HAK_KEEP_LEFT_OUT) != 0;
}
/* The bytes asked for, of a block that has `usable_bytes` by the allocator. */
static inline size_t hak_keep_bytes(uint64_t word, size_t usable_bytes) {
    const size_t part = (size_t)1 << HAK_KEEP_BYTES_BITS;
    size_t low = word >> 32 & (part - 1);
    return usable_bytes < low ? low : low + ((usable_bytes - low) & ~(part - 1));
}

/* Packs the record count, the low bits of the size and the subkind into a block's word. */
static inline uint64_t hak_keep_word(uint32_t count, size_t bytes, unsigned subkind) {
    const size_t part = (size_t)1 << HAK_KEEP_BYTES_BITS;
    return count | (uint64_t)(bytes & (part - 1)) << 32 |
           (uint64_t)subkind << (64 - HAK_KEEP_SUBKIND_BITS);
}

/* The word of the block at `user`, made if `makes` is set. NULL: none was ever there, no block can
 * lie at the address, or there is no memory for it. */
HAK_HIDDEN hak_keep_word_t *hak_keep_find(const void *user, bool makes);

/* Makes the words of all blocks 0, so that none is known. Words that others change just then may
 * stay. */
HAK_HIDDEN void hak_keep_forget_all(void);

#endif
