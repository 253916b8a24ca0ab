# A SuperSlab is put into a place that was empty a moment ago.
# scenario: keep
# file: src/pool/reserve.c
# says: was not there
s/if \(atomic_compare_exchange_strong_explicit\(&reserve->places\[i\], &nothing, superslab,\s*memory_order_release, memory_order_relaxed\)\)\s*return true;/
        (void)nothing;
        atomic_store_explicit(&reserve->places[i], superslab, memory_order_seq_cst);
        return true;/;
