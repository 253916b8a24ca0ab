# A post orders nothing.
# scenario: post
# file: src/front/mailbox.c
# says: a race
s/memory_order_seq_cst, memory_order_acquire/memory_order_relaxed, memory_order_relaxed/;
