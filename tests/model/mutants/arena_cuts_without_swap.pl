# A piece is cut from the range by a load and a store.
# scenario: cut
# file: src/platform/arena.c
# says: what is not mapped|is not held|are held and nothing
s/if \(atomic_compare_exchange_weak_explicit\(&range, &word, word \+ HAK_ARENA_PIECE_BYTES - 1,\s*memory_order_acq_rel, memory_order_acquire\)\)\s*(return [^;]*;)/{
        atomic_store_explicit(&range, word + HAK_ARENA_PIECE_BYTES - 1, memory_order_seq_cst);
        $1
    }/;
