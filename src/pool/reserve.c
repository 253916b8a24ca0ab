/* The reserve's three moves. */
#include "pool/reserve.h"

/* Takes the SuperSlab of a place. False: it holds none, or another thread was first. */
static bool take_out(struct hak_reserve *reserve, unsigned place,
                     struct hak_superslab **superslab) {
    *superslab = atomic_load_explicit(&reserve->places[place], memory_order_relaxed);
    return *superslab &&
           atomic_compare_exchange_strong_explicit(&reserve->places[place], superslab, NULL,
                                                   memory_order_acquire, memory_order_relaxed);
}

bool hak_reserve_keep(struct hak_reserve *reserve, unsigned places, struct hak_superslab *superslab,
                      uint64_t now) {
    return hak_reserve_keep_from(reserve, 0, places, superslab, now);
}

bool hak_reserve_keep_from(struct hak_reserve *reserve, unsigned first, unsigned places,
                           struct hak_superslab *superslab, uint64_t now) {
    for (unsigned i = first; i < places; i++) {
        struct hak_superslab *nothing = NULL;
        if (atomic_load_explicit(&reserve->places[i], memory_order_relaxed))
            continue;
        atomic_store_explicit(&reserve->kept_at[i], now, memory_order_relaxed);
        if (atomic_compare_exchange_strong_explicit(&reserve->places[i], &nothing, superslab,
                                                    memory_order_release, memory_order_relaxed))
            return true;
    }
    return false;
}

struct hak_superslab *hak_reserve_claim_from(struct hak_reserve *reserve, unsigned first) {
    struct hak_superslab *superslab;
    for (unsigned i = HAK_RESERVE_PLACES; i-- > first;)
        if (take_out(reserve, i, &superslab))
            return superslab;
    return NULL;
}

struct hak_superslab *hak_reserve_claim(struct hak_reserve *reserve) {
    return hak_reserve_claim_from(reserve, 0);
}

struct hak_superslab *hak_reserve_claim_old(struct hak_reserve *reserve, unsigned first,
                                            uint64_t now, uint64_t delay) {
    struct hak_superslab *superslab;
    for (unsigned i = first; i < HAK_RESERVE_PLACES; i++) {
        uint64_t kept_at = atomic_load_explicit(&reserve->kept_at[i], memory_order_relaxed);
        /* A clock of another processor may be a little ahead. */
        if ((int64_t)(now - kept_at) >= (int64_t)delay && take_out(reserve, i, &superslab))
            return superslab;
    }
    return NULL;
}

bool hak_reserve_has_place(struct hak_reserve *reserve, unsigned places) {
    for (unsigned i = 0; i < places; i++)
        if (!atomic_load_explicit(&reserve->places[i], memory_order_relaxed))
            return true;
    return false;
}
