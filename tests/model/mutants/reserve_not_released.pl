# Putting one in orders nothing.
# scenario: full
# file: src/pool/reserve.c
# says: a race
s/memory_order_release, memory_order_relaxed/memory_order_relaxed, memory_order_relaxed/;
