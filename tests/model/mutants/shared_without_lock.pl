# Two threads use the shared heap at once.
# scenario: shared
# file: src/front/thread.c
# says: a race
s/(base_t hak_front_take_shared.*?)\s*hak_lock\(&hak_shared_heap_lock\);(.*?)\s*hak_unlock\(&hak_shared_heap_lock\);/$1$2/s;
