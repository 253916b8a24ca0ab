/* The page arena: pieces of 2 MiB, aligned to that, cut one behind the other from ranges of
 * addresses that grow with what is in use.
 *
 *   range   | piece | piece | piece | addresses, no memory yet ......... |
 *                                   ^ next, and how many are left: one word
 *
 * A range is a quarter as long as all pieces in use, 64 MiB at most; under a limit on address space
 * (ulimit -v) each piece is a mapping of its own. A piece that comes back is unmapped at once, and
 * then what is left of the range, too, when it is more than a 32nd of the pieces in use.
 *
 * Ownership: the rest of the range belongs to the arena, a piece to its taker. No lock: the one
 * word changes by compare-and-swap, and it says all there is to know, so an old value that comes
 * back means the same.
 *
 * Huge pages are declined, unless learning asks for them: in measurements they cost memory and won
 * no time.
 *
 * Thread and signal safety: any thread, any signal handler. May call: platform. */
#ifndef HAK_PLATFORM_ARENA_H
#define HAK_PLATFORM_ARENA_H

#include "platform/platform.h"

#define HAK_ARENA_PIECE_BYTES ((size_t)2 << 20)
#define HAK_ARENA_RANGE_BYTES ((size_t)64 << 20)

/* A piece, zeroed; NULL when there is no memory. */
HAK_HIDDEN void *hak_arena_take(void);

/* Gives a piece back to the kernel; the rest of the range, too, where it is more than a share of
 * the pieces in use. */
HAK_HIDDEN void hak_arena_give(void *piece);

/* Pieces that are taken from now on ask for huge pages, or decline them (as at the start). */
HAK_HIDDEN void hak_arena_set_huge(bool huge);

/* Asks for huge pages for one piece that is taken, or declines them. */
HAK_HIDDEN void hak_arena_advise_huge(void *piece, bool huge);

#endif
