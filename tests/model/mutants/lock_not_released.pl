# Giving it back orders nothing.
# scenario: lock
# file: src/platform/lock.h
# says: a race
s/0, memory_order_release\)/0, memory_order_relaxed)/;
