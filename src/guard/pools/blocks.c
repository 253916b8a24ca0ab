/* Keeps the chains of guarded blocks that the program's own pools have handed out. */
#include "guard/pools/blocks.h"

#include "guard/locate/locate.h"
#include "trace/trace.h"

void (*hak_pool_close_block)(struct hak_large *block);

/* ---- the chain of a pool --------------------------------------------------------------------- */

static void link_block(struct hak_pool *pool, struct hak_large *block) {
    block->prev = NULL;
    block->pool_ended = false;
    block->next = pool->guarded;
    if (block->next)
        block->next->prev = block;
    pool->guarded = block;
}

void hak_pool_unlink_block(struct hak_pool *pool, struct hak_large *block) {
    if (block->next)
        block->next->prev = block->prev;
    if (block->prev)
        block->prev->next = block->next;
    else if (pool && pool->guarded == block)
        pool->guarded = block->next;
    block->next = block->prev = NULL;
}

static bool is_inside(const struct hak_large *block, uintptr_t from, uint64_t bytes) {
    uintptr_t user = base_address(block->base) + block->user_delta;
    bool is_before = user < from && from - user >= block->asked_bytes;
    bool is_behind = user >= from && user - from >= bytes;
    return !is_before && !is_behind;
}

/* The piece lives on behind the reset. */
static void keep_piece(const struct hak_pool *pool, const struct hak_large *block) {
    struct hak_piece *piece =
        hak_pieces_find_own(base_address(block->base) + block->user_delta, pool);
    if (piece)
        piece->pool_resets = pool->resets;
}

struct hak_large *hak_pool_take_blocks(struct hak_pool *pool, uintptr_t from, uint64_t bytes) {
    struct hak_pool ended = {.guarded = NULL};
    for (struct hak_large *block = pool->guarded, *next; block; block = next) {
        next = block->next;
        if (bytes && is_inside(block, from, bytes)) {
            keep_piece(pool, block);
            continue;
        }
        hak_pool_unlink_block(pool, block);
        link_block(&ended, block);
        block->pool_ended = true;
    }
    return ended.guarded;
}

void hak_pool_close_blocks(struct hak_large *first) {
    for (struct hak_large *block = first, *next; block; block = next) {
        next = block->next;
        hak_pool_close_block(block);
    }
}

/* ---- its pieces ------------------------------------------------------------------------------ */

static struct hak_pool *live_pool(uintptr_t address) {
    struct hak_pool *pool = hak_pieces_pool(address);
    return pool && !pool->is_destroyed ? pool : NULL;
}

bool hak_pool_takes_guarded(uintptr_t pool) {
    if (!hak_pieces_lock())
        return false;
    bool is_there = live_pool(pool) != NULL;
    hak_pieces_unlock();
    return is_there;
}

bool hak_pool_add_guarded(const struct hak_pool_call *call, struct hak_large *block,
                          char name[HAK_POOL_NAME]) {
    if (!hak_pieces_lock())
        return false;
    struct hak_pool *pool = live_pool(call->pool);
    struct hak_piece *piece =
        pool ? hak_pieces_add_guarded(pool, call->piece, block->asked_bytes, call->stack) : NULL;
    if (piece) {
        hak_pieces_set_block(piece, hak_block_life_at(call->piece));
        piece->is_left_out = hak_pool_leaves_out(NULL);
        link_block(pool, block);
        hak_pool_copy_name(name, HAK_POOL_NAME, pool->name);
        hak_pool_note(HAK_PIECE_ALLOC, call, piece->is_left_out ? 0 : pool->number, call->piece,
                      block->asked_bytes, NULL);
    }
    hak_pieces_unlock();
    return piece != NULL;
}

bool hak_pool_has_block(uintptr_t piece) {
    const struct hak_piece *known = hak_pieces_find(piece, 0);
    return known && hak_pieces_lives(known);
}
