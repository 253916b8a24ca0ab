# Who posts looks at the state of the heap before its post (what the code did until the checker found it).
# scenario: idle idle3
# file: src/front/mailbox.c
# says: which is idle: nobody drains
s/(    do \{)/    enum hak_heap_state state = atomic_load_explicit(&heap->state, memory_order_seq_cst);\n$1/;
s/return atomic_load_explicit\(&heap->state, memory_order_seq_cst\);/return state;/;
