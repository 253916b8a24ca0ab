# Who gives a heap back does not look at its mail box again.
# scenario: idle idle3 heir trim
# file: src/front/thread.c
# says: which is idle: nobody drains
s/(hak_heap_release\(heap\);\s*)hak_remote_after_release\(heap->id\);/$1/;
