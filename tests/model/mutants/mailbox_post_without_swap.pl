# A post is a load and a store.
# scenario: post
# file: src/front/mailbox.c
# says: blocks are lost|a race
s/while \(!atomic_compare_exchange_weak_explicit\(&heap->posted, &head, first,\s*memory_order_seq_cst, memory_order_acquire\)\);/while (0);\n    atomic_store_explicit(&heap->posted, first, memory_order_seq_cst);/;
