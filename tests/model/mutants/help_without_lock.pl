# A helper takes a heap without the lock.
# scenario: help
# file: src/slab/heap.c
# says: a race
s/(struct hak_heap \*hak_heap_help\(hak_owner_t id\) \{\n)\s*hak_lock\(&hak_heaps_lock\);(.*?)\s*hak_unlock\(&hak_heaps_lock\);/$1$2/s;
