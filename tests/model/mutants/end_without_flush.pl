# A thread that ends keeps its chunks that are not full.
# scenario: partial ring
# file: src/front/decay.c
# says: blocks are lost
s/(void hak_front_empty\(void\) \{\n)\s*hak_remote_flush\(\);/$1/;
