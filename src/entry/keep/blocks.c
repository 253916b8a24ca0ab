/* The words of all blocks of a kept allocator, found by their addresses. */
#include "entry/keep/blocks.h"

#include <string.h>
#include "platform/platform.h"

enum {
    GRANULE_BITS = 4,
    LEAF_BITS = 20,
    MIDDLE_BITS = 33,
    LEAF_PLACES = 1 << (LEAF_BITS - GRANULE_BITS),
    MIDDLE_PLACES = 1 << (MIDDLE_BITS - LEAF_BITS),
    ROOT_PLACES = 1 << (HAK_ADDRESS_BITS - MIDDLE_BITS),
};

struct leaf {
    hak_keep_word_t word[LEAF_PLACES];
};
struct middle {
    _Atomic(struct leaf *) leaf[MIDDLE_PLACES];
};
static _Atomic(struct middle *) root[2][ROOT_PLACES];

/* Reserves memory for a part of the tree and stores it at `place`; of two threads that make the
 * same part the first one's counts. */
static void *make(_Atomic(void *) *place, size_t bytes) {
    void *made = hak_reserve(bytes), *there = NULL;
    if (!made || atomic_compare_exchange_strong(place, &there, made))
        return made;
    (void)hak_unmap(made, bytes);
    return there;
}

/* Empties all leaves of a part, and gives their pages back where the kernel takes them. */
static void forget_leaves(struct middle *middle) {
    for (size_t i = 0; i < MIDDLE_PLACES; i++) {
        struct leaf *leaf = atomic_load_explicit(&middle->leaf[i], memory_order_acquire);
        if (leaf && !hak_discard(leaf, sizeof *leaf))
            memset((void *)leaf, 0, sizeof *leaf);
    }
}

void hak_keep_forget_all(void) {
    for (unsigned odd = 0; odd < 2; odd++)
        for (size_t i = 0; i < ROOT_PLACES; i++) {
            struct middle *middle = atomic_load_explicit(&root[odd][i], memory_order_acquire);
            if (middle)
                forget_leaves(middle);
        }
}

hak_keep_word_t *hak_keep_find(const void *user, bool makes) {
    uintptr_t address = (uintptr_t)user;
    if (HAK_UNLIKELY(address >> HAK_ADDRESS_BITS != 0 || (address & 7) != 0))
        return NULL;
    _Atomic(struct middle *) *in_root = &root[address >> 3 & 1][address >> MIDDLE_BITS];
    struct middle *middle = atomic_load_explicit(in_root, memory_order_acquire);
    if (HAK_UNLIKELY(!middle) && makes)
        middle = make((_Atomic(void *) *)in_root, sizeof *middle);
    if (HAK_UNLIKELY(!middle))
        return NULL;
    _Atomic(struct leaf *) *in_middle = &middle->leaf[address >> LEAF_BITS & (MIDDLE_PLACES - 1)];
    struct leaf *leaf = atomic_load_explicit(in_middle, memory_order_acquire);
    if (HAK_UNLIKELY(!leaf) && makes)
        leaf = make((_Atomic(void *) *)in_middle, sizeof *leaf);
    return HAK_LIKELY(leaf != NULL) ? &leaf->word[address >> GRANULE_BITS & (LEAF_PLACES - 1)]
                                    : NULL;
}
