# Who was woken takes the lock as if nobody else slept.
# scenario: lock
# file: src/platform/lock.h
# says: deadlock
s/self \| HAK_LOCK_SLEEPERS,/self,/;
