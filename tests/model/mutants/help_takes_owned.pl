# A helper takes a heap whatever its state.
# scenario: adopt adopt3
# file: src/slab/heap.c
# says: threads own|a race|nobody has it
s/if \(heap && atomic_load_explicit\(&heap->state, memory_order_relaxed\) == HAK_HEAP_IDLE\)/if (heap)/;
