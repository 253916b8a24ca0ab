# A range is set over one that another thread has set.
# scenario: map
# file: src/platform/arena.c
# says: what is not mapped|is not held|are held and nothing
s/atomic_compare_exchange_strong_explicit\(&range, &word, \(uintptr_t\)start \| pieces,\s*memory_order_acq_rel, memory_order_relaxed\)/(atomic_store_explicit(&range, (uintptr_t)start | pieces, memory_order_seq_cst), true)/;
