# The owner takes what was posted by a load and a store.
# scenario: post refill
# file: src/front/mailbox.c
# says: blocks are lost
s/return atomic_exchange_explicit\(&heap->posted, NULL, memory_order_acquire\);/struct hak_chunk *taken = atomic_load_explicit(&heap->posted, memory_order_acquire);\n    atomic_store_explicit(&heap->posted, NULL, memory_order_seq_cst);\n    return taken;/;
