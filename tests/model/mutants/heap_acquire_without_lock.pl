# A new thread takes an idle heap without the lock.
# scenario: adopt
# file: src/slab/heap.c
# says: a race
s/(struct hak_heap \*hak_heap_acquire\(void\) \{\n)\s*hak_lock\(&hak_heaps_lock\);(.*?)\s*hak_unlock\(&hak_heaps_lock\);/$1$2/s;
