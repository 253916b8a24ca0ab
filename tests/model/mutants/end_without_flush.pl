# A thread that ends keeps its chunks that are not full.
# scenario: partial ring
# file: src/front/thread.c
# says: blocks are lost
s/(static void empty_caches\(void\) \{\n)\s*hak_remote_flush\(\);/$1/;
