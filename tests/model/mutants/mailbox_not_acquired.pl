# Taking what was posted orders nothing.
# scenario: post
# file: src/front/mailbox.c
# says: a race
s/NULL, memory_order_acquire\)/NULL, memory_order_relaxed)/;
