/* The program's own pools (hakmem.h): the program tells what its pools hand out and take back, and
 * each call is compared with what was told before. */
#include "guard/pools/pools.h"

#include "guard/pools/blocks.h"
#include "guard/pools/call.h"
#include "guard/pools/places.h"
#include "hakmem.h"
#include "light.h"

static const char malloc_like[] = "malloc-like";

/* The piece is of a pool that was destroyed and followed by this one: so, and where. */
static struct hak_fault_facts facts_of_former(const struct hak_pool_call *call,
                                              const struct hak_pool *pool,
                                              const struct hak_piece *piece) {
    struct hak_fault_facts facts =
        hak_pool_facts_of(HAK_FAULT_POOL_USE_AFTER_RESET, call, pool, piece);
    hak_pool_copy_name(facts.pool.other_name, sizeof facts.pool.other_name, pool->former.name);
    facts.free_stack = piece->pool_number == pool->former.last ? pool->former.end_stack : 0;
    facts.pool.end = HAK_POOL_WAS_DESTROYED;
    return facts;
}

static struct hak_fault_facts facts_of_bad_free(const struct hak_pool_call *call,
                                                const struct hak_pool *pool) {
    const struct hak_piece *piece = hak_pool_piece_around(call->piece, pool->number, true);
    struct hak_fault_facts facts = hak_pool_facts_of(HAK_FAULT_POOL_BAD_FREE, call, pool, piece);
    if (piece)
        facts.offset = (int64_t)(call->piece - piece->address);
    return facts;
}

/* ---- what a call may do ---------------------------------------------------------------------- */

/* The piece where it is of a pool that this one followed. The last of them is looked for behind a
 * live one of another pool: this may be its memory. NULL: there is none. */
static const struct hak_piece *piece_of_former(const struct hak_pool_call *call,
                                               const struct hak_pool *pool,
                                               const struct hak_piece *piece) {
    if (piece && hak_pieces_is_of_former(piece, pool))
        return piece;
    const struct hak_piece *last =
        pool->former.last ? hak_pieces_find(call->piece, pool->former.last) : NULL;
    return last && !last->is_free && hak_pieces_is_of_former(last, pool) ? last : NULL;
}

/* Finds the fault of giving back the pool's own piece, or another one at the address; 0 = none. */
static struct hak_fault_facts judge_free(const struct hak_pool_call *call,
                                         const struct hak_pool *pool, const struct hak_piece *own) {
    if (pool->is_destroyed || (own && own->pool_resets != pool->resets))
        return hak_pool_facts_of_end(call, pool, own);
    if (own && !own->is_free)
        return (struct hak_fault_facts){0};
    if (own)
        return hak_pool_facts_of(HAK_FAULT_POOL_DOUBLE_FREE, call, pool, own);
    const struct hak_piece *piece = hak_pieces_find(call->piece, pool->number);
    const struct hak_piece *former = piece_of_former(call, pool, piece);
    if (former)
        return facts_of_former(call, pool, former);
    if (hak_pieces_may_be_lost(call->piece))
        return (struct hak_fault_facts){0};
    if (piece && hak_pieces_lives(piece))
        return hak_pool_facts_of(HAK_FAULT_POOL_MISMATCH, call, pool, piece);
    return facts_of_bad_free(call, pool);
}

/* Finds the fault of handing out the pool's own piece at the address, NULL = none is known. One
 * that the pool has never taken back may be an arena's, which begins anew without a word; so may be
 * any of the pool for pieces that have none, and one whose block of malloc was freed. */
static struct hak_fault_facts judge_alloc(const struct hak_pool_call *call,
                                          const struct hak_pool *pool,
                                          const struct hak_piece *piece, size_t bytes) {
    if (pool->is_destroyed)
        return hak_pool_facts_of_end(call, pool, NULL);
    if (piece && pool->takes_back && hak_pieces_lives(piece) && piece->bytes && bytes &&
        call->pool != (uintptr_t)HAK_POOL_MALLOC_LIKE && hak_pieces_has_its_block(piece))
        return hak_pool_facts_of(HAK_FAULT_POOL_DOUBLE_ALLOC, call, pool, piece);
    return hak_pool_judge_move(call, pool, piece, HAK_POOL_PLACE_OUT);
}

/* The piece goes back to its pool, unless others share its address. */
static void end_piece(struct hak_pool *pool, struct hak_piece *piece, uint32_t stack) {
    if (piece->more < UINT16_MAX)
        piece->is_free = piece->more == 0;
    if (piece->more > 0 && piece->more < UINT16_MAX)
        piece->more--;
    piece->free_stack = stack;
    pool->takes_back = 1;
    if (!piece->is_free)
        return;
    piece->place = HAK_POOL_PLACE_FREE;
    hak_pieces_unlist(piece);
}

struct inside {
    const struct hak_pool_call *call;
    struct hak_pool *pool;
};

static void free_inside(struct hak_piece *piece, void *context) {
    const struct inside *inside = context;
    uint8_t took = inside->pool->takes_back; /* the program gave none of them back by itself */
    piece->more = 0;
    end_piece(inside->pool, piece, inside->call->stack);
    inside->pool->takes_back = took;
    hak_pool_note(HAK_PIECE_FREE, inside->call,
                  hak_pool_leaves_out(piece) ? 0 : inside->pool->number, piece->address,
                  piece->bytes, NULL);
}

/* Frees the malloc-like pieces that lie in a piece which its pool has back. */
static void free_all_inside(const struct hak_pool_call *call, const struct hak_piece *piece) {
    struct inside inside = {call, hak_pieces_pool((uintptr_t)HAK_POOL_MALLOC_LIKE)};
    if (inside.pool)
        hak_pieces_each_inside(inside.pool, piece->address, piece->bytes, free_inside, &inside);
}

enum hak_pool_given hak_pool_give(const struct hak_pool_call *call, struct hak_large *block,
                                  bool is_guarded) {
    struct hak_fault_facts facts = {0};
    uint32_t number = 0;
    uint64_t bytes = 0;
    if (!hak_pool_begin())
        return HAK_POOL_GIVEN;
    struct hak_pool *pool = hak_pool_of_call(call);
    struct hak_piece *piece = pool ? hak_pieces_find_own(call->piece, pool) : NULL;
    if (is_guarded && piece && !piece->is_guarded) {
        hak_pieces_unlock();
        return HAK_POOL_IS_PLAIN;
    }
    if (pool)
        facts = judge_free(call, pool, piece);
    if (piece && !facts.fault) {
        struct hak_fault_facts damage =
            hak_pool_facts_of(HAK_FAULT_POOL_OVERFLOW, call, pool, piece);
        if (hak_redzone_look(piece, &damage))
            facts = damage;
        end_piece(pool, piece, call->stack);
        if (pool->is_auto_free && piece->is_free)
            free_all_inside(call, piece);
        number = hak_pool_leaves_out(piece) ? 0 : pool->number;
        bytes = piece->bytes;
    } else if (pool && !facts.fault) {
        number = pool->number; /* a piece that was not kept, but its record was */
    }
    hak_pool_note(HAK_PIECE_FREE, call, number, call->piece, bytes, NULL);
    bool is_over = block && !block->pool_ended && !facts.fault &&
                   (piece ? piece->is_free : !hak_pool_has_block(call->piece));
    if (is_over)
        hak_pool_unlink_block(pool, block);
    hak_pieces_unlock();
    hak_pool_tell_fault(&facts);
    return is_over ? HAK_POOL_GIVEN_BLOCK : HAK_POOL_GIVEN;
}

static struct hak_pool *new_pool(const struct hak_pool_call *call, const char *name) {
    struct hak_pool *pool = hak_pieces_new_pool(call->pool);
    if (pool) {
        pool->create_stack = call->stack;
        hak_pool_copy_name(pool->name, sizeof pool->name, name);
    }
    return pool;
}

static void take_piece(const struct hak_pool_call *call, size_t bytes) {
    struct hak_fault_facts facts = {0};
    uint32_t number = 0, created = 0;
    struct hak_block_life life = hak_block_life_at(call->piece);
    if (!hak_pool_begin())
        return;
    bool is_malloc_like = call->pool == (uintptr_t)HAK_POOL_MALLOC_LIKE;
    struct hak_pool *pool = is_malloc_like ? hak_pieces_pool(call->pool) : hak_pool_of_call(call);
    if (!pool && is_malloc_like) {
        pool = new_pool(call, malloc_like);
        created = pool ? pool->number : 0;
    }
    const struct hak_piece *before = pool ? hak_pieces_find_own(call->piece, pool) : NULL;
    if (pool)
        facts = judge_alloc(call, pool, before, bytes);
    if (pool && !pool->is_destroyed) {
        bool leaves_out = hak_pool_leaves_out(before && hak_pieces_lives(before) ? before : NULL);
        struct hak_piece *piece = hak_pieces_add(pool, call->piece, bytes, call->stack);
        if (piece) {
            hak_pieces_set_block(piece, life);
            piece->is_left_out = leaves_out;
        }
        if (piece && (pool->before || pool->behind))
            hak_redzone_fill(pool, piece);
        number = leaves_out ? 0 : pool->number;
    }
    hak_pool_note(HAK_POOL_CREATE, call, created, call->pool, 0, malloc_like);
    hak_pool_note(HAK_PIECE_ALLOC, call, number, call->piece, bytes, NULL);
    hak_pieces_unlock();
    hak_pool_tell_fault(&facts);
}

/* Ends the lives of all pieces of the pool but those in the range, and with `destroys` the pool's.
 */
static void end_pieces(const struct hak_pool_call *call, bool destroys, const void *kept,
                       size_t kept_bytes) {
    struct hak_fault_facts facts = {0};
    struct hak_large *ended = NULL;
    uint32_t number = 0;
    if (!hak_pool_begin())
        return;
    struct hak_pool *pool = hak_pool_of_call(call);
    if (pool && pool->is_destroyed) {
        facts = hak_pool_facts_of_end(call, pool, NULL);
    } else if (pool) {
        struct hak_fault_facts damage =
            hak_pool_facts_of(HAK_FAULT_POOL_OVERFLOW, call, pool, NULL);
        if (hak_redzone_look_at_all(pool, &damage))
            facts = damage;
        pool->resets++;
        pool->is_destroyed = destroys;
        pool->end_stack = call->stack;
        number = pool->number;
        hak_pieces_keep(pool, (uintptr_t)hak_untagged(kept), kept_bytes);
        ended = hak_pool_take_blocks(pool, (uintptr_t)hak_untagged(kept), kept_bytes);
    }
    hak_pool_note(destroys ? HAK_POOL_DESTROY : HAK_POOL_RESET, call, number,
                  kept_bytes ? (uintptr_t)hak_untagged(kept) : call->pool, kept_bytes, NULL);
    hak_pieces_unlock();
    hak_pool_close_blocks(ended);
    hak_pool_tell_fault(&facts);
}

/* The live pool at the address, which ends where another one takes its place. */
struct replaced {
    uint32_t number; /* 0: there is none */
    struct hak_large *ended;
};

static struct replaced replace_pool(uintptr_t address) {
    struct hak_pool *pool = hak_pieces_pool(address);
    if (!pool || pool->is_destroyed)
        return (struct replaced){0};
    return (struct replaced){pool->number, hak_pool_take_blocks(pool, 0, 0)};
}

/* ---- hakmem.h -------------------------------------------------------------------------------- */

HAK_EXPORT void hak_pool_create(const void *pool, const char *name) {
    char copy[HAK_POOL_NAME]; /* the program's memory is not read with the lock held */
    if (!pool || hak_light_serves())
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_create", pool, NULL, HAK_POOL_CREATE);
    hak_pool_copy_name(copy, sizeof copy, name);
    if (!hak_pool_begin())
        return;
    struct replaced replaced = replace_pool(call.pool);
    struct hak_pool *made = new_pool(&call, copy);
    uint32_t number = made ? made->number : 0;
    hak_pool_note(HAK_POOL_DESTROY, &call, made ? replaced.number : 0, call.pool, 0, NULL);
    hak_pool_note(HAK_POOL_CREATE, &call, number, call.pool, 0, copy);
    hak_pieces_unlock();
    hak_pool_close_blocks(replaced.ended);
}

/* Bytes that a pool leaves unused around its pieces from here on: those that are out have no filled
 * room. */
struct redzone {
    size_t before, behind;
};

static uint16_t redzone_bytes(size_t bytes) {
    return (uint16_t)(bytes < HAK_REDZONE_MOST ? bytes : HAK_REDZONE_MOST);
}

static void set_redzone(struct hak_pool *pool, const struct redzone *redzone) {
    if (pool->first)
        return;
    pool->before = redzone_bytes(redzone->before);
    pool->behind = redzone_bytes(redzone->behind);
    atomic_store_explicit(&hak_redzones_are_kept, true, memory_order_relaxed);
}

/* Sets what the call tells of its pool, unless that has ended: its redzone, or, NULL, that it is
 * auto-free. */
static void set_in_pool(const struct hak_pool_call *call, const struct redzone *redzone) {
    struct hak_fault_facts facts = {0};
    if (!hak_pool_begin())
        return;
    struct hak_pool *told = hak_pool_of_call(call);
    if (told && told->is_destroyed)
        facts = hak_pool_facts_of_end(call, told, NULL);
    else if (told && redzone)
        set_redzone(told, redzone);
    else if (told)
        told->is_auto_free = 1;
    hak_pieces_unlock();
    hak_pool_tell_fault(&facts);
}

HAK_EXPORT void hak_pool_redzone(const void *pool, size_t before, size_t behind) {
    if (!hak_pool_is_told(pool))
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_redzone", pool, NULL, HAK_POOL_CREATE);
    set_in_pool(&call, &(struct redzone){before, behind});
}

HAK_EXPORT void hak_pool_auto_free(const void *pool) {
    if (!hak_pool_is_told(pool))
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_auto_free", pool, NULL, HAK_POOL_CREATE);
    set_in_pool(&call, NULL);
}

HAK_EXPORT void hak_pool_alloc(const void *pool, const void *piece, size_t bytes) {
    bool is_malloc_like = pool == HAK_POOL_MALLOC_LIKE && !hak_light_serves();
    if (!piece || (!is_malloc_like && !hak_pool_is_told(pool)))
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_alloc", pool, piece, HAK_MALLOC);
    take_piece(&call, bytes);
}

HAK_EXPORT void hak_pool_free(const void *pool, const void *piece) {
    if (!piece || !hak_pool_is_told(pool))
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_free", pool, piece, HAK_FREE);
    (void)hak_pool_give(&call, NULL, false);
}

HAK_EXPORT void hak_pool_reset(const void *pool) {
    if (!hak_pool_is_told(pool))
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_reset", pool, NULL, HAK_FREE);
    end_pieces(&call, false, NULL, 0);
}

HAK_EXPORT void hak_pool_reset_outside(const void *pool, const void *address, size_t bytes) {
    if (!hak_pool_is_told(pool))
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_reset_outside", pool, NULL, HAK_FREE);
    end_pieces(&call, false, address, bytes);
}

HAK_EXPORT void hak_pool_destroy(const void *pool) {
    if (!hak_pool_is_told(pool))
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_destroy", pool, NULL, HAK_FREE);
    end_pieces(&call, true, NULL, 0);
}

HAK_EXPORT void hak_pool_rebase(const void *pool, const void *to) {
    if (!to || !hak_pool_is_told(pool))
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_rebase", pool, NULL, HAK_POOL_CREATE);
    uintptr_t target = (uintptr_t)hak_untagged(to);
    struct hak_fault_facts facts = {0};
    if (!hak_pool_begin())
        return;
    const struct hak_pool *moved = hak_pool_of_call(&call);
    struct replaced replaced = {0};
    if (moved && target != call.pool)
        replaced = replace_pool(target);
    if (moved && moved->is_destroyed)
        facts = hak_pool_facts_of_end(&call, moved, NULL);
    if (!hak_pieces_move_pool(call.pool, target))
        replaced.number = 0;
    hak_pool_note(HAK_POOL_DESTROY, &call, replaced.number, target, 0, NULL);
    hak_pieces_unlock();
    hak_pool_close_blocks(replaced.ended);
    hak_pool_tell_fault(&facts);
}

HAK_EXPORT int hak_pool_exists(const void *pool) {
    if (!hak_pool_is_told(pool) || !hak_pieces_lock())
        return 0;
    const struct hak_pool *found = hak_pieces_pool((uintptr_t)hak_untagged(pool));
    int exists = found && !found->is_destroyed;
    hak_pieces_unlock();
    return exists;
}
