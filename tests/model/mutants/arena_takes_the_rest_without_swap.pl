# The rest of the range is given back by a load and a store.
# scenario: rest
# file: src/platform/arena.c
# says: what is not mapped|is not held|are held and nothing
s/if \(atomic_compare_exchange_weak_explicit\(&range, &word, 0, memory_order_acq_rel,\s*memory_order_acquire\)\)/if (atomic_store_explicit(&range, 0, memory_order_seq_cst), true)/;
