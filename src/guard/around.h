/* What the bytes around a block are to be, and the short way to write and compare them: for each
 * malloc and free. layout.c has the picture, and the way that tells what differs. */
#ifndef HAK_GUARD_AROUND_H
#define HAK_GUARD_AROUND_H

#include "guard/guard.h"
#include "trace/pattern.h"

enum { HAK_CANARY_SHORT_BYTES = 128 };

struct hak_header {
    uint64_t first, second;
};

_Static_assert(sizeof(struct hak_header) == HAK_HEADER_BYTES, "the header is 16 bytes");

/* The word that the block `at` is filled with now. */
static inline uint64_t hak_word_of(const struct hak_located *at, enum hak_pattern pattern) {
    return hak_pattern_word(pattern, (uintptr_t)at->base, at->class_index, at->slot->lives);
}

/* Of the block whose header's first word this is. */
static inline struct hak_header hak_header_of_word(uint64_t word) {
    return (struct hak_header){word,
                               hak_pattern_as(word, HAK_PATTERN_HEADER, HAK_PATTERN_HEADER_2)};
}

static inline struct hak_header hak_header_due(const struct hak_located *at) {
    return hak_header_of_word(hak_word_of(at, HAK_PATTERN_HEADER));
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
