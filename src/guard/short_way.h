/* The short way of a call: level normal, layout header, nothing recorded (HAKMEM_TRACE=off), a
 * block of a slab of the calling thread, and all is well. Whatever is not as it should be takes the
 * long way, which looks again from the start and says what is wrong; so no check is told twice, and
 * none here has words of its own.
 *
 *   malloc   hak_check_hand_out_shortly --no--> hak_check_hand_out
 *   free     hak_check_give_shortly -----no--> hak_check_take_back, hak_check_keep
 *   leaving  hak_check_left_shortly -----no--> hak_check_freed
 *
 * What the long way finds is found here too: header and canary of a block given back, its kind, the
 * poison of a block handed out. Poison is not compared when a block leaves quarantine, since nobody
 * writes it between then and the hand-out, or the sweep at exit. */
#ifndef HAK_GUARD_SHORT_WAY_H
#define HAK_GUARD_SHORT_WAY_H

#include "guard/around.h"
#include "guard/guard.h"

/* short_way.c: as the options say; false until the start. */
HAK_HIDDEN extern bool hak_short_way;
HAK_HIDDEN void hak_short_way_start(void);

/* A slot, in few words: all of them are kept in registers. */
struct hak_near_slot {
    struct hak_slot *slot;
    char *base;
    size_t slot_bytes;
    unsigned class_index, slab_index;
    struct hak_superslab *superslab;
};

/* The slot of ours that covers `p`, in a SuperSlab whose registry entry `owner` is. */
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

/* The same as struct hak_located, for what is rare. */
static inline struct hak_located hak_located_of(const struct hak_near_slot *at) {
    return (struct hak_located){.slot = at->slot,
                                .base = at->base,
                                .slot_bytes = at->slot_bytes,
                                .superslab = at->superslab,
                                .epoch = at->superslab->slabs[at->slab_index].epoch,
                                .class_index = at->class_index};
}

/* Blocks whose user bytes, to the slot's end, are at most so many are filled and compared here. */
enum { HAK_SHORT_BYTES = 512 };

typedef uint64_t hak_two_words __attribute__((vector_size(16), aligned(8), may_alias));

/* Fills [start, end): a multiple of 8, at least 16. */
HAK_IN_PLACE void hak_poison_shortly(char *start, char *end) {
    const hak_two_words poison = {HAK_POISON_WORD, HAK_POISON_WORD};
    *(hak_two_words *)(void *)(end - sizeof poison) = poison;
    for (; start + sizeof poison < end; start += sizeof poison) {
        *(hak_two_words *)(void *)start = poison;
        __asm__ volatile("" : : : "memory"); /* not a call of memset */
    }
}

/* True when [start, end), as above, holds poison alone. */
HAK_IN_PLACE bool hak_poison_stands_shortly(const char *start, const char *end) {
    const hak_two_words poison = {HAK_POISON_WORD, HAK_POISON_WORD};
    hak_two_words differs = *(const hak_two_words *)(const void *)(end - sizeof poison) ^ poison;
    for (; start + sizeof poison < end; start += sizeof poison)
        differs |= *(const hak_two_words *)(const void *)start ^ poison;
    return (differs[0] | differs[1]) == 0;
}

/* Header and canary of the block of `asked_bytes` behind a base, as around.h writes them. */
HAK_IN_PLACE struct hak_header hak_header_near(const struct hak_near_slot *at, unsigned subkind,
                                               size_t asked_bytes) {
    return hak_make_header(at->base + HAK_HEADER_BYTES, at->class_index,
                           (subkind & HAK_SLOT_TAKEN) | HAK_SLOT_LIVED, asked_bytes);
}

#endif
