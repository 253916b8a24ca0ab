/* Pieces of the program's own pools (hakmem.h) in the scan: each counts as a block of its own, in
 * place of the memory that it lies in.
 *
 *   block of malloc, or mapping      | list | piece | room | piece |      words between the pieces
 *                                                                         belong to what holds them
 *
 * A pool that has never taken a piece back by itself is an arena: its pieces go with it, and none
 * is lost. */
#include "leaks/leaks.h"

#include "guard/pools/pools.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

enum { SPARE_PIECES = 1024 }; /* of those that begin before the threads are stopped */

static void count_piece(struct hak_piece *piece, void *context) {
    (void)piece;
    ++*(size_t *)context;
}

/* Counts the pieces with the threads running, and takes more room than that. */
void hak_leak_make_room_for_pieces(struct hak_leak_scan *scan) {
    size_t count = 0;
    if (!atomic_load_explicit(&hak_pieces_are_kept, memory_order_relaxed) || !hak_pieces_lock())
        return;
    hak_pieces_each(count_piece, &count);
    hak_pieces_unlock();
    scan->piece_room = count + count / 4 + SPARE_PIECES;
    scan->pieces = hak_raw_map(HAK_PAGES_OF(scan->piece_room * sizeof *scan->pieces));
}

/* ---- in the helper --------------------------------------------------------------------------- */

/* One without room is left out: its words are those of the memory that it lies in. */
static void enter_piece(struct hak_piece *piece, void *context) {
    struct hak_leak_scan *scan = context;
    const struct hak_pool *pool = hak_pieces_pool_of(piece);
    if (!pool->takes_back || pool->is_inherited || !piece->bytes ||
        !hak_pieces_has_its_block(piece) || scan->piece_count == scan->piece_room)
        return;
    scan->pieces[scan->piece_count++] = (struct hak_leak_piece){
        .user = piece->address,
        .end = piece->address + piece->bytes,
        .stack = piece->alloc_stack,
        .pool = piece->pool_number,
    };
}

/* One that holds other pieces is their pool's memory, and goes. */
static void keep_innermost(struct hak_leak_scan *scan) {
    size_t kept = 0;
    for (size_t i = 0; i < scan->piece_count; i++) {
        const struct hak_leak_piece *piece = &scan->pieces[i];
        while (kept && scan->pieces[kept - 1].end >= piece->end &&
               scan->pieces[kept - 1].user <= piece->user)
            kept--;
        if (!kept || scan->pieces[kept - 1].end <= piece->user)
            scan->pieces[kept++] = *piece;
    }
    scan->piece_count = kept;
}

/* A thread that runs, or stands in the middle of a change, may make any list a wrong one. */
void hak_leak_take_pieces(struct hak_leak_scan *scan) {
    scan->partial |= hak_pieces_have_gaps() ? HAK_PARTIAL_POOLS : 0;
    if (!scan->pieces || (scan->partial & HAK_PARTIAL_THREADS) || !hak_pieces_are_still() ||
        hak_pieces_missed())
        return;
    hak_pieces_each(enter_piece, scan);
    hak_leak_sort(scan->pieces, sizeof *scan->pieces, scan->piece_count);
    keep_innermost(scan);
}

/* The number of the first piece that ends behind the address. */
static size_t first_behind(const struct hak_leak_scan *scan, uintptr_t address) {
    size_t from = 0, to = scan->piece_count;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (scan->pieces[middle].end <= address)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void fill_piece(struct hak_leak_piece *piece, struct hak_leak_block *block) {
    *block = (struct hak_leak_block){
        .piece = piece, .user = piece->user, .end = piece->end, .mark = &piece->mark};
}

bool hak_leak_find_piece(const struct hak_leak_scan *scan, uintptr_t pointer,
                         struct hak_leak_block *block) {
    size_t i = first_behind(scan, pointer);
    if (i == scan->piece_count || scan->pieces[i].user > pointer)
        return false;
    fill_piece(&scan->pieces[i], block);
    return true;
}

bool hak_leak_is_guarded_piece(const struct hak_leak_block *block) {
    return !block->piece && block->at.large && block->at.large->is_of_pool;
}

void hak_leak_each_piece(const struct hak_leak_scan *scan,
                         void (*visit)(const struct hak_leak_block *, void *), void *context) {
    struct hak_leak_block block;
    for (size_t i = 0; i < scan->piece_count; i++) {
        fill_piece(&scan->pieces[i], &block);
        visit(&block, context);
    }
}

void hak_leak_outside_pieces(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end,
                             void (*visit)(struct hak_leak_scan *, uintptr_t, uintptr_t)) {
    for (size_t i = first_behind(scan, start); i < scan->piece_count; i++) {
        const struct hak_leak_piece *piece = &scan->pieces[i];
        if (piece->user >= end)
            break;
        if (piece->user > start)
            visit(scan, start, piece->user);
        start = piece->end;
    }
    if (start < end)
        visit(scan, start, end);
}

/* ---- behind the scan ------------------------------------------------------------------------- */

void hak_leak_drop_pieces(struct hak_leak_scan *scan) {
    if (scan->pieces)
        hak_raw_unmap(scan->pieces, HAK_PAGES_OF(scan->piece_room * sizeof *scan->pieces));
    scan->pieces = NULL;
}

/* Another thread may have freed one since the threads go on. */
bool hak_leak_is_piece_there(const struct hak_leak_piece *piece) {
    if (!hak_pieces_lock())
        return false;
    const struct hak_piece *now = hak_pieces_find(piece->user, piece->pool);
    bool is_there = !hak_pieces_missed() && now && now->pool_number == piece->pool &&
                    hak_pieces_lives(now) && now->alloc_stack == piece->stack;
    hak_pieces_unlock();
    return is_there;
}
