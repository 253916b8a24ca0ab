/* The words that memory around and in blocks is filled with. Each names the block it was written
 * for, so that the register which holds one tells from which block it was read.
 *
 *   63..60 | 59..56 | 55 54 | 53 52 | 51..48  | 47 .............. 16 | 15 ....... 8 | 7 .... 0
 *   kind   | lives  | 1  0  | lives | address | four times 10nnnnnn | 10sscccc     | tag
 *
 *   kind      the high half of the tag
 *   lives     frees of the slot so far, modulo 64
 *   address   with n: bits 32 to 5 of the slot's first byte, which no two slots of 32 bytes and
 *             more of one SuperSlab share
 *   s         bits 4 and 3 of it, for smaller slots (layout same)
 *   c         size class, low bits
 *
 * No word is an address that a processor takes, with 4 or 5 levels of page tables. No byte of one
 * is 0, a letter or 0xff, which is what is written most often by mistake. A distance of
 * -HAK_PATTERN_BEFORE to HAK_PATTERN_BEHIND that was added to it (a member, an element, an aligned
 * vector) does not reach the address. A byte at address `a` holds byte a & 7 of the word. */
#ifndef HAK_TRACE_PATTERN_H
#define HAK_TRACE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hop.h"

/* By the tag; no two have the same high half, and none has 15 there. */
enum hak_pattern {
    HAK_PATTERN_NONE = 0,
    HAK_PATTERN_FREED = 0xdd,     /* in a block after its free */
    HAK_PATTERN_CANARY = 0xcb,    /* behind the bytes asked for of a live block */
    HAK_PATTERN_UNWRITTEN = 0xba, /* in a live block, where nothing was written since malloc */
    HAK_PATTERN_HEADER = 0xa8,    /* 16 bytes in front of a block: the header's first word */
    HAK_PATTERN_HEADER_2 = 0x98,  /* and its second, right in front of the block */
};

enum {
    HAK_PATTERN_ADDRESS_SHIFT = 5,
    HAK_PATTERN_ADDRESS_MASK = 0x0fffffff,
    HAK_PATTERN_LIVES = 64,
    HAK_PATTERN_LIVES_SHIFT = 52,
    HAK_PATTERN_LIVES_MASK = 0xf3,
    HAK_PATTERN_BEFORE = 0x8000,
    HAK_PATTERN_BEHIND = 0x4000,
};

/* How much of a large block's end its canary takes, at most. */
enum { HAK_CANARY_MAX_BYTES = 4096 };

/* The bytes of a freed slot that are filled (poison.c). */
enum {
    HAK_POISON_WHOLE_BYTES = 5120, /* from the user's first to the slot's end: all of them */
    HAK_POISON_HEAD_BYTES = 4096,  /* of a greater slot the first */
    HAK_POISON_TAIL_BYTES = 256,   /* and the last of those asked for */
};

/* One or two runs of bytes, aligned to 16: [start, end), and behind a gap [tail, tail_end), which
 * is empty where there is none. */
struct hak_filled {
    char *start, *end, *tail, *tail_end;
};

/* The parts of a great freed block that are filled: its head and the end of the bytes asked for. */
static inline struct hak_filled hak_filled_of_great(char *start, char *end, size_t asked_bytes) {
    struct hak_filled filled = {start, start + HAK_POISON_HEAD_BYTES, end, end};
    size_t tail_end = (asked_bytes + 15) & ~(size_t)15;
    if (tail_end <= HAK_POISON_HEAD_BYTES)
        return filled;
    size_t tail = (asked_bytes - HAK_POISON_TAIL_BYTES) & ~(size_t)15;
    filled.tail = start + (tail < HAK_POISON_HEAD_BYTES ? HAK_POISON_HEAD_BYTES : tail);
    filled.tail_end = start + tail_end;
    return filled;
}

/* The bytes that are filled of the freed slot that ends at `end` and whose last life's user pointer
 * was `start`. */
HAK_IN_PLACE struct hak_filled hak_filled_between(char *start, char *end, size_t asked_bytes) {
    if (HAK_LIKELY((size_t)(end - start) <= HAK_POISON_WHOLE_BYTES))
        return (struct hak_filled){start, end, end, end};
    return hak_filled_of_great(start, end, asked_bytes);
}

/* A number of lives is kept as it stands in the word, with two bits of 0 inside: 0xf3 is 63. The
 * next one: bits that are 1 hand the carry on over those two. */
static inline uint8_t hak_pattern_next_life(unsigned lives) {
    return (uint8_t)((lives + 1 + (uint8_t)~HAK_PATTERN_LIVES_MASK) & HAK_PATTERN_LIVES_MASK);
}

/* The bits that are the same in all words of a pattern. */
static inline uint64_t hak_pattern_mark(enum hak_pattern pattern) {
    return ((uint64_t)pattern & 0xf0) << 56 | (uint64_t)pattern;
}

/* The word that fills memory of this kind in a slot: six bits of its address in each of four bytes,
 * four in a fifth, its class and lives. */
static inline uint64_t hak_pattern_word(enum hak_pattern pattern, uintptr_t base,
                                        unsigned class_index, uint8_t lives) {
    uint64_t part = (base >> HAK_PATTERN_ADDRESS_SHIFT) & 0xffffff;
    uint64_t high = base >> (HAK_PATTERN_ADDRESS_SHIFT + 24) & 0xf;
    part = (part & 0xfff) | (part & 0xfff000) << 4;
    part = (part & 0x003f003f) | (part & 0x0fc00fc0) << 2;
    uint64_t of_slot = high << 48 | part << 16 | ((base >> 3 & 3) << 4 | (class_index & 0xf)) << 8;
    return of_slot | (uint64_t)lives << HAK_PATTERN_LIVES_SHIFT |
           (hak_pattern_mark(pattern) | 0x0080808080808000ull);
}

/* The same word with another mark. */
static inline uint64_t hak_pattern_as(uint64_t word, enum hak_pattern is, enum hak_pattern due) {
    return word ^ (hak_pattern_mark(is) ^ hak_pattern_mark(due));
}

/* The pattern whose form `value` has; HAK_PATTERN_NONE: it has none. */
static inline enum hak_pattern hak_pattern_of(uint64_t value) {
    static const uint8_t patterns[16] = {
        [HAK_PATTERN_FREED >> 4] = HAK_PATTERN_FREED,
        [HAK_PATTERN_CANARY >> 4] = HAK_PATTERN_CANARY,
        [HAK_PATTERN_UNWRITTEN >> 4] = HAK_PATTERN_UNWRITTEN,
        [HAK_PATTERN_HEADER >> 4] = HAK_PATTERN_HEADER,
        [HAK_PATTERN_HEADER_2 >> 4] = HAK_PATTERN_HEADER_2,
    };
    if ((value & 0x00c0c0c0c0c00000ull) != 0x0080808080800000ull)
        return HAK_PATTERN_NONE;
    return (enum hak_pattern)patterns[value >> 60];
}

/* Bits 32 to 5 of the address that it holds. */
static inline uint64_t hak_pattern_address(uint64_t value) {
    uint64_t address = (value >> 48 & 0xf) << 24;
    for (unsigned i = 0; i < 4; i++)
        address |= (value >> (16 + 8 * i) & 0x3f) << (6 * i);
    return address;
}

static inline uint8_t hak_pattern_lives(uint64_t value) {
    return (uint8_t)(value >> HAK_PATTERN_LIVES_SHIFT & HAK_PATTERN_LIVES_MASK);
}

/* True when `value` is `word`, or that with a distance added which does not reach the name. */
static inline bool hak_pattern_is_near(uint64_t value, uint64_t word) {
    uint64_t distance = value - word + HAK_PATTERN_BEFORE;
    return distance < (uint64_t)HAK_PATTERN_BEFORE + HAK_PATTERN_BEHIND;
}

/* `word` as it is read from `address` on, which need not be aligned. */
static inline uint64_t hak_pattern_turned(uint64_t word, uintptr_t address) {
    unsigned bits = (address & 7) * 8;
    return word >> bits | word << (-bits & 63);
}

/* The byte of `word` that stands at `address`. */
static inline uint8_t hak_pattern_byte(uint64_t word, uintptr_t address) {
    return (uint8_t)(word >> (address & 7) * 8);
}

#endif
