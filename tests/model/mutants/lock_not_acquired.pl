# Taking the lock orders nothing.
# scenario: lock
# file: src/platform/lock.h
# says: a race
s/&seen, self, memory_order_acquire/&seen, self, memory_order_relaxed/;
