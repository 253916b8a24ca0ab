# A SuperSlab is taken out of its place by a load and a store.
# scenario: claim back
# file: src/pool/reserve.c
# says: two hands|a race|lists a SuperSlab
s/return \*superslab &&\s*atomic_compare_exchange_strong_explicit\(&reserve->places\[place\], superslab, NULL,\s*memory_order_acquire, memory_order_relaxed\)/
    if (*superslab)
        atomic_store_explicit(&reserve->places[place], NULL, memory_order_seq_cst);
    return *superslab != NULL/;
