/* The reserve: a few places for empty SuperSlabs, filled and emptied by compare-and-swap.
 *
 *   place   NULL --keep--> SuperSlab --claim--> NULL
 *
 * A place holds a SuperSlab or nothing, and whoever swaps it out owns it: an address that left and
 * came back in between is as good as before, so there is no ABA.
 *
 * No lock; explicit atomics alone, so that a scheduler can be put under them (tests/model). For
 * pool/ only. */
#ifndef HAK_POOL_RESERVE_H
#define HAK_POOL_RESERVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "superslab.h"

#define HAK_RESERVE_PLACES 64

struct hak_reserve {
    _Atomic(struct hak_superslab *) places[HAK_RESERVE_PLACES];
    _Atomic uint64_t kept_at[HAK_RESERVE_PLACES]; /* ticks; a hint */
};

/* Puts a SuperSlab, which the caller owns, into a place below `places`. False: all are taken, and
 * it is still the caller's. */
HAK_HIDDEN bool hak_reserve_keep(struct hak_reserve *reserve, unsigned places,
                                 struct hak_superslab *superslab, uint64_t now);

/* The same of the places from `first` on. */
HAK_HIDDEN bool hak_reserve_keep_from(struct hak_reserve *reserve, unsigned first, unsigned places,
                                      struct hak_superslab *superslab, uint64_t now);

/* Takes the SuperSlab of the last place that holds one; NULL when none does. It is the caller's. */
HAK_HIDDEN struct hak_superslab *hak_reserve_claim(struct hak_reserve *reserve);

/* The same of the places from `first` on. */
HAK_HIDDEN struct hak_superslab *hak_reserve_claim_from(struct hak_reserve *reserve,
                                                        unsigned first);

/* Takes a SuperSlab that was kept `delay` ticks ago or more, from a place from `first` on; NULL:
 * none. */
HAK_HIDDEN struct hak_superslab *hak_reserve_claim_old(struct hak_reserve *reserve, unsigned first,
                                                       uint64_t now, uint64_t delay);

/* True when a place below `places` was empty just now. */
HAK_HIDDEN bool hak_reserve_has_place(struct hak_reserve *reserve, unsigned places);

#endif
