/* Guarded blocks that the program's own pools hand out as pieces of theirs (hakmem.h): taken and
 * given back as malloc's are, between the calls that tell of pieces (pools/pools.h). */
#include "guard/choose/choose.h"
#include "guard/guard.h"
#include "guard/pools/pools.h"
#include "guarded/guarded.h"
#include "hakmem.h"

/* ---- out ------------------------------------------------------------------------------------- */

/* Opens a block and hands it out; NULL: this one is not guarded. Between enter and leave. */
static struct hak_large *take_piece_block(const struct hak_hand_out *how) {
    base_t base = hak_check_take_guarded(how);
    struct hak_large *block = base.p ? hak_large_find(base.p) : NULL;
    if (!block)
        return NULL;
    block->is_of_pool = true;
    if (hak_check_hand_out(base, how).p)
        return block;
    hak_guarded_give(block);
    return NULL;
}

/* In a signal handler that interrupted a call of the malloc family there is none. */
HAK_IN_PLACE struct hak_large *open_piece(const struct hak_hand_out *how) {
    struct hak_large *block = NULL;
    if (hak_check_enter()) {
        block = take_piece_block(how);
        hak_check_leave();
    } else {
        hak_tags_end_own(0);
    }
    return block;
}

static bool is_request(size_t bytes, size_t alignment) {
    return bytes <= PTRDIFF_MAX && (alignment & (alignment - 1)) == 0;
}

/* ---- and back -------------------------------------------------------------------------------- */

/* Also where a signal handler interrupted a call of the malloc family: closing takes no lock. */
static void close_piece(struct hak_large *block, enum hak_given by) {
    struct hak_located at = hak_located_as_large(block);
    bool has_entered = hak_check_enter();
    base_t base;
    if (hak_check_pointer(user_from(hak_user_in(&at)), hak_free_by(by), &base) == HAK_TAKE)
        (void)hak_check_freed(base, hak_free_by(by), HAK_PLACE_LARGE);
    if (has_entered)
        hak_check_leave();
    else
        hak_tags_end_own(0);
}

static void close_with_pool(struct hak_large *block) {
    close_piece(block, HAK_GIVEN_BY_POOL_END);
}

void hak_guarded_pieces_start(void) {
    hak_pool_close_block = close_with_pool;
}

/* The guarded piece around the address, also one that was given back; NULL: there is none. */
static struct hak_large *find_piece_block(uintptr_t address) {
    const void *piece = hak_move_unseen((void *)address);
    struct hak_located at;
    bool is_found =
        hak_guarded_covers(piece) && hak_locate(piece, &at) && at.large && at.large->is_of_pool;
    return is_found ? at.large : NULL;
}

/* Whether the address is that of a block that is still with the program. */
static bool is_live_at(const struct hak_large *block, uintptr_t piece) {
    return block->slot.place == HAK_PLACE_LIVE &&
           piece == base_address(block->base) + block->user_delta;
}

/* ---- hakmem.h -------------------------------------------------------------------------------- */

HAK_EXPORT void *hak_pool_alloc_guarded(const void *pool, size_t bytes, size_t alignment) {
    char name[HAK_POOL_NAME];
    struct hak_hand_out how = {.asked_bytes = bytes,
                               .alignment = alignment,
                               .class_index = HAK_CLASS_NONE,
                               .subkind = HAK_BY_MALLOC,
                               .call = HAK_CALL};
    if (!hak_check_guards || !hak_pool_is_told(pool) || !is_request(bytes, alignment) ||
        !hak_pool_takes_guarded((uintptr_t)hak_untagged(pool)))
        return NULL;
    struct hak_large *block = open_piece(&how);
    if (!block)
        return NULL;
    struct hak_located at = hak_located_as_large(block);
    char *piece = hak_user_in(&at);
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_alloc_guarded", pool, piece, HAK_MALLOC);
    if (!hak_pool_add_guarded(&call, block, name)) {
        close_piece(block, HAK_GIVEN_BY_POOL);
        return NULL;
    }
    if (name[0])
        hak_check_pool_name(piece, name);
    return hak_check_tagged(piece, bytes);
}

HAK_EXPORT int hak_pool_free_guarded(const void *pool, const void *piece) {
    if (!piece || !hak_check_guards || !hak_pool_is_told(pool))
        return 0;
    struct hak_large *block = find_piece_block((uintptr_t)hak_untagged(piece));
    if (!block)
        return 0;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_free_guarded", pool, piece, HAK_FREE);
    bool is_live = is_live_at(block, call.piece);
    enum hak_pool_given given = hak_pool_give(&call, is_live ? block : NULL, true);
    if (given == HAK_POOL_GIVEN_BLOCK)
        close_piece(block, HAK_GIVEN_BY_POOL);
    return given != HAK_POOL_IS_PLAIN;
}
