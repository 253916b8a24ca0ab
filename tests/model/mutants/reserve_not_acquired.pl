# Taking one out orders nothing.
# scenario: full
# file: src/pool/reserve.c
# says: a race
s/memory_order_acquire, memory_order_relaxed/memory_order_relaxed, memory_order_relaxed/;
