/* What the bytes around a block are to be, and the short way to write and compare them: for each
 * malloc and free. layout.c has the picture, and the way that tells what differs. */
#ifndef HAK_GUARD_AROUND_H
#define HAK_GUARD_AROUND_H

#include "guard/guard.h"
#include "trace/pattern.h"

enum { HAK_CANARY_SHORT_BYTES = 128 };

#define HAK_HEADER_MAGIC 0x4d4b4148u /* "HAKM" */

struct hak_header {
    uint64_t first, second;
};

_Static_assert(sizeof(struct hak_header) == HAK_HEADER_BYTES, "the header is 16 bytes");

/* No byte of a live block's header is 0 for the usual sizes, so that the most common write before a
 * block's start is seen wherever it hits: what is small is stored with this turned over, and no
 * byte of the check word, which is next to the block, is 0 or a letter. */
#define HAK_HEADER_TURN 0xa5a5a5a5u

/* Multiplying by a large odd number spreads every bit upwards (Knuth's multiplicative hashing). */
static inline uint64_t hak_header_check_word(uint64_t first, uint64_t asked_low, uintptr_t user) {
    uint64_t mixed = (first ^ user << 7 ^ asked_low) * 0x9e3779b97f4a7c15ull;
    return mixed >> 32 | 0x81818181u;
}

static inline struct hak_header hak_make_header(const char *user, unsigned class_index,
                                                unsigned subkind, size_t asked_bytes) {
    uint64_t asked_low = (asked_bytes & 0xffffffffu) ^ HAK_HEADER_TURN;
    uint64_t asked_high = (asked_bytes >> 32 ^ HAK_HEADER_TURN) & 0xffff;
    struct hak_header header;
    header.first = HAK_HEADER_MAGIC | (uint64_t)((class_index ^ HAK_HEADER_TURN) & 0xff) << 32 |
                   (uint64_t)(subkind & 0xff) << 40 | asked_high << 48;
    header.second = asked_low | hak_header_check_word(header.first, asked_low, (uintptr_t)user)
                                    << 32;
    return header;
}

static inline struct hak_header hak_header_due(const struct hak_located *at) {
    return hak_make_header(hak_user_in(at), at->class_index,
                           (at->slot->subkind & HAK_SLOT_TAKEN) | HAK_SLOT_LIVED,
                           hak_asked_bytes_of(at));
}

/* The word that the block `at` is filled with now. */
static inline uint64_t hak_word_of(const struct hak_located *at, enum hak_pattern pattern) {
    return hak_pattern_word(pattern, (uintptr_t)at->base, at->class_index, at->slot->lives);
}

/* The canary of a slot's block: [start, end), where `end` is a multiple of 8. */
static inline uint8_t *hak_slot_canary_start(const struct hak_located *at) {
    return (uint8_t *)hak_user_in(at) + hak_asked_bytes_of(at);
}
static inline uint8_t *hak_slot_canary_end(const struct hak_located *at) {
    return (uint8_t *)at->base + at->slot_bytes;
}
static inline bool hak_canary_is_short(const struct hak_located *at) {
    return !at->large &&
           hak_slot_canary_end(at) - hak_slot_canary_start(at) <= HAK_CANARY_SHORT_BYTES;
}

/* Writes header and canary of a block that nobody has written into yet: up to seven of its last
 * bytes are written, too. */
static inline void hak_write_around_new(const struct hak_located *at) {
    struct hak_header header = hak_header_due(at);
    __builtin_memcpy(hak_user_in(at) - HAK_HEADER_BYTES, &header, sizeof header);
    if (HAK_UNLIKELY(!hak_canary_is_short(at))) {
        hak_write_canary(at);
        return;
    }
    const uint64_t word = hak_word_of(at, HAK_PATTERN_CANARY);
    const uint8_t *start = hak_slot_canary_start(at);
    uint8_t *to = hak_slot_canary_end(at);
    do {
        to -= sizeof word;
        __builtin_memcpy(to, &word, sizeof word);
    } while (to > start);
}

/* True when the header `due` stands before `user`, and words `canary_word` from `canary` to `end`,
 * which is aligned to 8; up to seven bytes before `canary` are read. */
static inline __attribute__((always_inline)) bool
hak_stands_around(const char *user, struct hak_header due, uintptr_t canary, const char *end,
                  uint64_t canary_word) {
    struct hak_header found;
    __builtin_memcpy(&found, user - HAK_HEADER_BYTES, sizeof found);
    uint64_t word, differs = (found.first ^ due.first) | (found.second ^ due.second);
    const char *from = (const char *)(canary & ~(uintptr_t)7);
    __builtin_memcpy(&word, from, sizeof word);
    differs |= (word ^ canary_word) >> (canary & 7) * 8;
    for (from += sizeof word; from < end; from += sizeof word) {
        __builtin_memcpy(&word, from, sizeof word);
        differs |= word ^ canary_word;
    }
    return differs == 0;
}

/* True when header and canary of a live block are surely whole. */
static inline bool hak_is_whole_around(const struct hak_located *at) {
    return HAK_LIKELY(hak_canary_is_short(at)) &&
           hak_stands_around(
               hak_user_in(at), hak_header_due(at), (uintptr_t)hak_slot_canary_start(at),
               (const char *)hak_slot_canary_end(at), hak_word_of(at, HAK_PATTERN_CANARY));
}

#endif
