/* A heap's mail box: the one place where threads write into what another thread owns.
 *
 *   heap->posted --> chunk -> chunk -> ... (the newest first)
 *
 * Posting is a compare-and-swap of the head, taking an exchange of the whole list, so there is no
 * ABA. The heap may become idle at the same moment: whoever posts looks at the heap's state after
 * its post, and whoever makes the heap idle looks at the mail box after that; all four accesses are
 * in one order (seq_cst), so at least one of the two sees the other and drains the heap.
 *
 * No lock; explicit atomics alone, so that a scheduler can be put under them (tests/model). For
 * front/ only. */
#ifndef HAK_FRONT_MAILBOX_H
#define HAK_FRONT_MAILBOX_H

#include <stdatomic.h>
#include "slab/heap.h"

#define HAK_CHUNK_BLOCKS 61

/* Blocks of one class on their way to one owner. */
struct hak_chunk {
    struct hak_chunk *next;
    union {
        struct {
            uint16_t owner;
            uint16_t class_index;
        };
        uint32_t key; /* both, as hak_chunk_key makes it */
    };
    uint32_t count;
    uint32_t limit;          /* it is posted when it holds so many */
    _Atomic uint32_t behind; /* blocks in this chunk and in those behind it in a mail box: a hint */
    base_t blocks[HAK_CHUNK_BLOCKS];
};

static inline uint32_t hak_chunk_key(hak_owner_t owner, unsigned class_index) {
    return (uint32_t)class_index << 16 | owner;
}

/* Puts the chain `first` .. `last`, which holds `blocks`, into the mail box. Returns the heap's
 * state after that: HAK_HEAP_IDLE means that nobody else may look at it. */
HAK_HIDDEN enum hak_heap_state hak_mailbox_post(struct hak_heap *heap, struct hak_chunk *first,
                                                struct hak_chunk *last, uint32_t blocks);

/* Takes all chunks that other threads posted to the heap, which the caller owns. NULL: none. */
HAK_HIDDEN struct hak_chunk *hak_mailbox_take(struct hak_heap *heap);

/* True when there is mail; asked by whoever has made the heap idle, after that. */
HAK_HIDDEN bool hak_mailbox_has_mail(struct hak_heap *heap);

/* About how many blocks are in the mail box; the caller owns the heap. */
static inline uint32_t hak_mailbox_blocks(const struct hak_heap *heap) {
    const struct hak_chunk *head = atomic_load_explicit(&heap->posted, memory_order_acquire);
    return head ? atomic_load_explicit(&head->behind, memory_order_relaxed) : 0;
}

#endif
