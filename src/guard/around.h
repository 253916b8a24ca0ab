/* Expected values of the bytes around a block. layout.c has the picture, and the comparison that
 * tells what differs; slot_bytes.h the one of most calls. */
#ifndef HAK_GUARD_AROUND_H
#define HAK_GUARD_AROUND_H

#include "guard/guard.h"
#include "trace/pattern.h"

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

/* The canary's offsets from the block's base. */
static inline size_t hak_canary_from(const struct hak_located *at) {
    return hak_delta_bytes_of(at) + hak_asked_bytes_of(at);
}
static inline size_t hak_canary_to(const struct hak_located *at) {
    size_t from = hak_canary_from(at), to = at->slot_bytes;
    return at->large && to > from + HAK_CANARY_MAX_BYTES ? from + HAK_CANARY_MAX_BYTES : to;
}

#endif
