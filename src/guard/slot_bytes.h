/* The slot of a small block in few words, and the bytes in and around it: written and compared by
 * 16 bytes at a time, for the path that most calls take (path.c) and for quarantine and poison.
 * layout.c and poison.c tell what differs, and where. */
#ifndef HAK_GUARD_SLOT_BYTES_H
#define HAK_GUARD_SLOT_BYTES_H

#include "guard/around.h"
#include "guard/guard.h"

/* A slot, in few words: all of them are kept in registers. */
struct hak_near_slot {
    struct hak_slot *slot;
    char *base;
    size_t slot_bytes;
    unsigned class_index, slab_index;
    struct hak_superslab *superslab;
};

/* Finds the slot of ours that covers `p`, in a SuperSlab whose registry entry `owner` is; false:
 * none. */
HAK_IN_PLACE bool hak_locate_near(const void *p, hak_owner_t owner, struct hak_near_slot *at) {
    if (HAK_UNLIKELY(owner == HAK_OWNER_NOBODY))
        return false;
    at->superslab = hak_superslab_of(p);
    at->slab_index = hak_slab_index_of(p);
    at->class_index = at->superslab->class_of_slab[at->slab_index];
    if (HAK_UNLIKELY(at->class_index == HAK_CLASS_NONE))
        return false;
    size_t offset = (uintptr_t)p & (HAK_SLAB_BYTES - 1);
    unsigned state = hak_slot_index(at->class_index, offset);
    at->slot_bytes = hak_class_bytes(at->class_index);
    at->base = (char *)(uintptr_t)p - (offset - state * at->slot_bytes);
    at->slot = hak_states_of(at->superslab, at->slab_index) + state;
    return true;
}

/* Finds the slot that starts at `base`, in a slab of ours whose class it is: one product tells both
 * whether a slot starts there and which. Behind the last slot of a slab there is a state, too,
 * which nobody ever sets. */
HAK_IN_PLACE bool hak_locate_start(base_t base, unsigned class_index, struct hak_near_slot *at) {
    uint32_t magic = hak_class_magic[class_index];
    uint64_t product = (uint64_t)(uint16_t)base_address(base) * magic;
    at->superslab = hak_superslab_of(base.p);
    at->slab_index = hak_slab_index_of(base.p);
    at->class_index = class_index;
    at->slot_bytes = hak_class_bytes(class_index);
    at->base = base.p;
    at->slot = hak_states_of(at->superslab, at->slab_index) + (product >> 32);
    return HAK_LIKELY((uint32_t)product < magic && at->slab_index != 0);
}

HAK_IN_PLACE uint32_t hak_epoch_near(const struct hak_near_slot *at) {
    return at->superslab->slabs[at->slab_index].epoch;
}

/* The slot as struct hak_located, for what is rare. */
static inline struct hak_located hak_located_of(const struct hak_near_slot *at) {
    return (struct hak_located){.slot = at->slot,
                                .base = at->base,
                                .slot_bytes = at->slot_bytes,
                                .superslab = at->superslab,
                                .epoch = hak_epoch_near(at),
                                .class_index = at->class_index};
}

/* The filled bytes of a guarded block whose pages were opened after its free (poison.c), aligned or
 * not. */
HAK_HIDDEN struct hak_filled hak_filled_of_opened(const struct hak_located *at);

/* The word that the slot is filled with now. */
HAK_IN_PLACE uint64_t hak_word_near(const struct hak_near_slot *at, enum hak_pattern pattern) {
    return hak_pattern_word(pattern, (uintptr_t)at->base, at->class_index, at->slot->lives);
}

typedef uint64_t hak_two_words __attribute__((vector_size(16), aligned(8), may_alias));
typedef uint64_t hak_aligned_words __attribute__((vector_size(16), may_alias));
typedef uint64_t hak_any_words __attribute__((vector_size(16), aligned(1), may_alias));

HAK_IN_PLACE size_t hak_at_most(size_t number, size_t last) {
    return number < last ? number : last;
}

/* All below is of bytes [start, end) that are aligned to 16, at least 16 of them. They go by 64
 * bytes, the last 64 once more where they are no multiple: loops whose number of rounds changes
 * from call to call cost the processor more than what they do. */

/* Fills [start, end), a multiple of 16 bytes, with `word`. */
HAK_IN_PLACE void hak_fill_all(char *start, char *end, uint64_t word) {
    const hak_aligned_words poison = {word, word};
    hak_aligned_words *at = (hak_aligned_words *)(void *)start;
    size_t last = (size_t)(end - start) / sizeof poison - 1;
    if (HAK_LIKELY(last < 4)) {
        at[0] = at[hak_at_most(1, last)] = at[hak_at_most(2, last)] = at[last] = poison;
        return;
    }
    hak_aligned_words *final = at + last - 3;
    for (; at < final; at += 4)
        at[0] = at[1] = at[2] = at[3] = poison;
    final[0] = final[1] = final[2] = final[3] = poison;
}

/* Whether [start, end), a multiple of 16 bytes, holds nothing but `word`. */
HAK_IN_PLACE bool hak_all_stand(const char *start, const char *end, uint64_t word) {
    const hak_aligned_words poison = {word, word};
    const hak_aligned_words *at = (const hak_aligned_words *)(const void *)start;
    size_t last = (size_t)(end - start) / sizeof poison - 1;
    hak_aligned_words differs;
    if (HAK_LIKELY(last < 4)) {
        differs = (at[0] ^ poison) | (at[hak_at_most(1, last)] ^ poison) |
                  (at[hak_at_most(2, last)] ^ poison) | (at[last] ^ poison);
    } else {
        const hak_aligned_words *final = at + last - 3;
        differs =
            (final[0] ^ poison) | (final[1] ^ poison) | (final[2] ^ poison) | (final[3] ^ poison);
        for (; at < final; at += 4)
            differs |= (at[0] ^ poison) | (at[1] ^ poison) | (at[2] ^ poison) | (at[3] ^ poison);
    }
    return (differs[0] | differs[1]) == 0;
}

/* Fills a freed slot's bytes with `word`, as far as they are filled. */
HAK_IN_PLACE void hak_fill_freed_bytes(const struct hak_filled *filled, uint64_t word) {
    hak_fill_all(filled->start, filled->end, word);
    if (HAK_UNLIKELY(filled->tail != filled->tail_end))
        hak_fill_all(filled->tail, filled->tail_end, word);
}

/* True when both filled parts hold the pattern. */
HAK_IN_PLACE bool hak_freed_bytes_stand(const struct hak_filled *filled, uint64_t word) {
    return hak_all_stand(filled->start, filled->end, word) &&
           (HAK_LIKELY(filled->tail == filled->tail_end) ||
            hak_all_stand(filled->tail, filled->tail_end, word));
}

/* Of 32 bytes up to the end of a slot those of the block itself: loaded at 32 - n, n of them. */
HAK_HIDDEN extern const uint8_t hak_bytes_of_block[64];

/* Writes the canary [start, end) of a block that nobody has written into yet, `end` aligned to 16.
 * Up to 31 bytes before it are written, too: whole words of the block get the word of what was
 * never written, so that a canary's word in a register was read from a canary. */
HAK_IN_PLACE void hak_write_canary_near(const char *start, char *end, uint64_t word) {
    const uint64_t other =
        hak_pattern_mark(HAK_PATTERN_CANARY) ^ hak_pattern_mark(HAK_PATTERN_UNWRITTEN);
    const hak_aligned_words canary = {word, word}, others = {other, other};
    hak_aligned_words *at = (hak_aligned_words *)(void *)end - 2;
    if (HAK_LIKELY((const char *)at <= start)) {
        const uint8_t *edge = hak_bytes_of_block + 32 - ((start - (const char *)at) & ~7);
        at[0] = canary ^ (others & *(const hak_any_words *)(const void *)edge);
        at[1] = canary ^ (others & *(const hak_any_words *)(const void *)(edge + 16));
        return;
    }
    at[0] = at[1] = canary;
    while (HAK_UNLIKELY((const char *)at - start >= 16))
        *--at = canary;
    if (HAK_UNLIKELY((const char *)at > start)) {
        uint64_t *words = (uint64_t *)(void *)at;
        words[-1] = word;
        words[-2] = (const char *)at - start > 8 ? word : word ^ other;
    }
}

/* Whether the canary in [start, end), at least one byte, is whole; up to 31 bytes before it are
 * read. */
HAK_IN_PLACE bool hak_canary_stands_near(const char *start, const char *end, uint64_t word) {
    const hak_aligned_words canary = {word, word};
    const hak_sixteen_bytes due = (hak_sixteen_bytes)canary;
    const hak_sixteen_bytes *at = (const hak_sixteen_bytes *)(const void *)end - 2;
    uint32_t low = hak_bits_of_bytes((hak_sixteen_bytes)(at[0] == due));
    uint32_t high = hak_bits_of_bytes((hak_sixteen_bytes)(at[1] == due));
    uint32_t differs = ~(low | high << 16);
    if (HAK_LIKELY((const char *)at <= start))
        return differs >> (start - (const char *)at) == 0;
    while ((const char *)--at > start)
        differs |= 0xffff ^ hak_bits_of_bytes((hak_sixteen_bytes)(*at == due));
    low = 0xffff ^ hak_bits_of_bytes((hak_sixteen_bytes)(*at == due));
    return (differs | low >> (start - (const char *)at)) == 0;
}

/* The header of the block behind a base. */
HAK_IN_PLACE struct hak_header hak_header_near(const struct hak_near_slot *at) {
    return hak_header_of_word(hak_word_near(at, HAK_PATTERN_HEADER));
}

#endif
