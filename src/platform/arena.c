/* The page arena: one word for the range that pieces are cut from. */
#include "platform/arena.h"

#include <stdatomic.h>

/* Divisors of all pieces in use: for the length of a new range, and for the rest that may stay when
 * a piece goes. */
enum { RANGE_SHARE = 4, KEPT_SHARE = 32 };

#define LEFT_MASK (HAK_ARENA_PIECE_BYTES - 1) /* below the address: how many pieces are left */

static _Atomic uintptr_t range;
static _Atomic uint32_t pieces_in_use;
static _Atomic bool is_huge;

/* The first piece of the range; NULL when none is left. Explicit atomics alone (tests/model). */
static void *cut_piece(void) {
    uintptr_t word = atomic_load_explicit(&range, memory_order_acquire);
    while (word & LEFT_MASK)
        if (atomic_compare_exchange_weak_explicit(&range, &word, word + HAK_ARENA_PIECE_BYTES - 1,
                                                  memory_order_acq_rel, memory_order_acquire))
            return (void *)(word & ~LEFT_MASK);
    return NULL;
}

/* Makes `pieces` of them from `start` on the range; false when another thread made one before. */
static bool set_range(char *start, uintptr_t pieces) {
    uintptr_t word = atomic_load_explicit(&range, memory_order_relaxed);
    return !(word & LEFT_MASK) &&
           atomic_compare_exchange_strong_explicit(&range, &word, (uintptr_t)start | pieces,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

/* Takes the whole rest of the range where it is more than `most` pieces; their number, 0 if none.
 */
static uintptr_t take_rest(uintptr_t most, void **start) {
    uintptr_t word = atomic_load_explicit(&range, memory_order_acquire);
    while ((word & LEFT_MASK) > most)
        if (atomic_compare_exchange_weak_explicit(&range, &word, 0, memory_order_acq_rel,
                                                  memory_order_acquire)) {
            *start = (void *)(word & ~LEFT_MASK);
            return word & LEFT_MASK;
        }
    return 0;
}

/* Maps a piece by itself, with huge pages declined. NULL without memory. */
static void *map_alone(void) {
    void *piece = hak_map_aligned(HAK_ARENA_PIECE_BYTES, HAK_ARENA_PIECE_BYTES);
    if (piece)
        hak_arena_advise_huge(piece, false);
    return piece;
}

/* Makes a piece of the held range writable. NULL: refused, and the piece is unmapped. */
static void *open_piece(void *piece) {
    if (hak_open_untouched(piece, HAK_ARENA_PIECE_BYTES))
        return piece;
    hak_unmap(piece, HAK_ARENA_PIECE_BYTES);
    return NULL;
}

/* Holds a range of `pieces`, and returns its first, opened; the next calls cut the rest. Without
 * room for a range, a piece alone. */
static void *map_range(uint32_t pieces) {
    char *start = hak_hold(pieces * HAK_ARENA_PIECE_BYTES, HAK_ARENA_PIECE_BYTES);
    if (!start)
        return map_alone();
    char *rest = start + HAK_ARENA_PIECE_BYTES;
    if (!set_range(rest, pieces - 1))
        hak_unmap(rest, (pieces - 1) * HAK_ARENA_PIECE_BYTES);
    return open_piece(start);
}

/* A piece of the range; if it is used up, of a new range, as wide as a share of the pieces in use.
 */
static void *take_piece(uint32_t in_use) {
    void *piece = cut_piece();
    if (piece)
        return open_piece(piece);
    uint32_t most = HAK_ARENA_RANGE_BYTES / HAK_ARENA_PIECE_BYTES;
    uint32_t pieces = in_use / RANGE_SHARE < most ? in_use / RANGE_SHARE : most;
    if (pieces > 1 && hak_address_space_limit() == SIZE_MAX)
        return map_range(pieces);
    return map_alone();
}

void *hak_arena_take(void) {
    void *piece = take_piece(atomic_load_explicit(&pieces_in_use, memory_order_relaxed));
    if (!piece)
        return NULL;
    atomic_fetch_add_explicit(&pieces_in_use, 1, memory_order_relaxed);
    if (atomic_load_explicit(&is_huge, memory_order_relaxed))
        hak_arena_advise_huge(piece, true);
    return piece;
}

void hak_arena_give(void *piece) {
    /* Where a hole would be one mapping too many for the kernel, its pages go back at least. */
    if (!hak_unmap(piece, HAK_ARENA_PIECE_BYTES))
        (void)hak_discard(piece, HAK_ARENA_PIECE_BYTES);
    uint32_t before = atomic_fetch_sub_explicit(&pieces_in_use, 1, memory_order_relaxed);
    void *rest;
    uintptr_t pieces = take_rest((before - 1) / KEPT_SHARE, &rest);
    if (pieces)
        (void)hak_unmap(rest, pieces * HAK_ARENA_PIECE_BYTES);
}

void hak_arena_set_huge(bool huge) {
    atomic_store_explicit(&is_huge, huge, memory_order_relaxed);
}

void hak_arena_advise_huge(void *piece, bool huge) {
    if (huge)
        hak_ask_for_huge_pages(piece, HAK_ARENA_PIECE_BYTES);
    else
        hak_decline_huge_pages(piece, HAK_ARENA_PIECE_BYTES);
}
