# Who gives the lock back wakes nobody.
# scenario: lock
# file: src/platform/lock.h
# says: deadlock
s/(atomic_exchange_explicit\(&lock->holder, 0, memory_order_release\)) & HAK_LOCK_SLEEPERS/$1 & 0/;
