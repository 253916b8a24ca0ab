# A thread that ends does not look at its mail box again when its heap is idle.
# scenario: idle
# file: src/front/thread.c
# says: which is idle: nobody drains
s/(hak_heap_release\(heap\);\s*)hak_remote_after_release\(heap->id\);/$1/;
