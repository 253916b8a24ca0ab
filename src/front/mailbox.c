/* Posts to a mail box and takes from it. */
#include "front/mailbox.h"

enum hak_heap_state hak_mailbox_post(struct hak_heap *heap, struct hak_chunk *first,
                                     struct hak_chunk *last, uint32_t blocks) {
    void *head = atomic_load_explicit(&heap->posted, memory_order_acquire);
    do {
        /* Chunks are never unmapped: a head that was taken in between can still be read, and the
         * swap fails then. */
        struct hak_chunk *behind = head;
        uint32_t more = behind ? atomic_load_explicit(&behind->behind, memory_order_relaxed) : 0;
        atomic_store_explicit(&first->behind, blocks + more, memory_order_relaxed);
        last->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&heap->posted, &head, first,
                                                    memory_order_seq_cst, memory_order_acquire));
    return atomic_load_explicit(&heap->state, memory_order_seq_cst);
}

struct hak_chunk *hak_mailbox_take(struct hak_heap *heap) {
    if (!atomic_load_explicit(&heap->posted, memory_order_relaxed))
        return NULL;
    return atomic_exchange_explicit(&heap->posted, NULL, memory_order_acquire);
}

bool hak_mailbox_has_mail(struct hak_heap *heap) {
    return atomic_load_explicit(&heap->posted, memory_order_seq_cst) != NULL;
}
