/* The words that memory around and in blocks is filled with. Each names the block it was written
 * for, so that the register which holds one tells from which block it was read.
 *
 *   63 ... 56 | 55 ........................ 16 | 15 ....... 8 | 7 .... 0
 *   tag       | 10nnnnnn, five times: the name | 10sscccc      | tag
 *
 *   name      29, 28  lives: frees of the slot so far, modulo 4
 *             27 .. 0 bits 32 to 5 of the slot's first byte: no two slots of 32 bytes and more of
 *                     one SuperSlab share them
 *   s         bits 4 and 3 of it, for smaller slots (layout same)
 *   c         size class, low bits
 *
 * No word is an address that a processor takes, with 4 or 5 levels of page tables. No byte of one
 * is 0, a letter or 0xff, which is what is written most often by mistake. A distance of
 * -HAK_PATTERN_BEFORE to HAK_PATTERN_BEHIND that was added to it (a member, an element, an aligned
 * vector) does not reach the name. A byte at address `a` holds byte a & 7 of the word. */
#ifndef HAK_TRACE_PATTERN_H
#define HAK_TRACE_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

enum hak_pattern {
    HAK_PATTERN_NONE = 0,
    HAK_PATTERN_FREED = 0xdd,     /* in a block after its free */
    HAK_PATTERN_CANARY = 0xcb,    /* behind the bytes asked for of a live block */
    HAK_PATTERN_UNWRITTEN = 0xcd, /* in a live block, where nothing was written since malloc */
};

enum {
    HAK_PATTERN_NAME_SHIFT = 5, /* of an address */
    HAK_PATTERN_NAME_MASK = 0x0fffffff,
    HAK_PATTERN_LIVES = 4,
    HAK_PATTERN_BEFORE = 0x8000,
    HAK_PATTERN_BEHIND = 0x4000,
};

/* Six bits of the name go into each of five bytes. */
static inline uint64_t hak_pattern_word(enum hak_pattern pattern, uintptr_t base,
                                        unsigned class_index, unsigned lives) {
    uint64_t part = (base >> HAK_PATTERN_NAME_SHIFT) & 0xffffff;
    uint64_t high = base >> (HAK_PATTERN_NAME_SHIFT + 24) & 0xf;
    part = (part & 0xfff) | (part & 0xfff000) << 4;
    part = (part & 0x003f003f) | (part & 0x0fc00fc0) << 2;
    uint64_t of_slot = high << 48 | part << 16 | ((base >> 3 & 3) << 4 | (class_index & 0xf)) << 8;
    return of_slot | (uint64_t)(lives & 3) << 52 |
           ((uint64_t)pattern << 56 | 0x0080808080808000ull | (uint64_t)pattern);
}

/* What `value` has the form of. */
static inline enum hak_pattern hak_pattern_of(uint64_t value) {
    uint64_t tag = value >> 56;
    if ((value & 0x00c0c0c0c0c00000ull) != 0x0080808080800000ull)
        return HAK_PATTERN_NONE;
    return tag == HAK_PATTERN_FREED       ? HAK_PATTERN_FREED
           : tag == HAK_PATTERN_CANARY    ? HAK_PATTERN_CANARY
           : tag == HAK_PATTERN_UNWRITTEN ? HAK_PATTERN_UNWRITTEN
                                          : HAK_PATTERN_NONE;
}

/* The name that it holds: bits 32 to 5 of an address, and the lives. */
static inline uint64_t hak_pattern_name(uint64_t value) {
    uint64_t name = 0;
    for (unsigned i = 0; i < 5; i++)
        name |= (value >> (16 + 8 * i) & 0x3f) << (6 * i);
    return name;
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
