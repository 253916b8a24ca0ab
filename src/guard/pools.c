/* The program's own pools (hakmem.h): the program tells what its pools hand out and take back, and
 * each call is compared with what was told before. */
#include "guard/guard.h"

#include "guard/pool_facts.h"
#include "guard/redzone.h"
#include "hakmem.h"
#include "light.h"

enum { REACH_BYTES = 4096 }; /* a piece is looked for in front of a wrong pointer */

/* A call of hakmem.h: on whom, and by whom. */
struct pool_call {
    const char *name;
    uintptr_t pool, piece; /* 0 = none */
    enum hak_record_kind kind;
    uint32_t stack;
};

static bool is_told(const void *pool) {
    return pool && atomic_load_explicit(&hak_pieces_are_kept, memory_order_relaxed) &&
           !hak_light_serves();
}

static uintptr_t plain_address(const void *pointer) {
    return (uintptr_t)hak_untagged(pointer);
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* `piece`: NULL, where the fault is about none. */
static struct hak_fault_facts facts_of(enum hak_fault_code code, const struct pool_call *call,
                                       const struct hak_pool *pool, const struct hak_piece *piece) {
    struct hak_fault_facts facts = {
        .fault = code,
        .kind = call->kind,
        .found_address = call->piece ? call->piece : call->pool,
        .class_found = HAK_CLASS_NONE,
        .class_due = HAK_CLASS_NONE,
    };
    hak_copy_call(&facts, call->name);
    hak_pool_add_facts(&facts, pool, piece);
    return facts;
}

/* The pool is destroyed, or was reset after the piece was made: says so, and where. */
static struct hak_fault_facts facts_of_end(const struct pool_call *call,
                                           const struct hak_pool *pool,
                                           const struct hak_piece *piece) {
    struct hak_fault_facts facts = facts_of(HAK_FAULT_POOL_USE_AFTER_RESET, call, pool, piece);
    if (!piece)
        facts.alloc_stack = pool->create_stack;
    facts.free_stack = pool->end_stack;
    facts.pool.end = pool->is_destroyed ? HAK_POOL_DESTROYED : HAK_POOL_RESET;
    return facts;
}

/* The live piece that holds the address and begins not far before it, the pool's own rather than
 * another one's; NULL: none does. */
static const struct hak_piece *piece_around(uintptr_t address, uint32_t number) {
    const struct hak_piece *other = NULL;
    for (uintptr_t from = address; address - from < REACH_BYTES && from > 0; from--) {
        const struct hak_piece *piece = hak_pieces_find(from, number);
        if (!piece || piece->is_free || address - from >= piece->bytes ||
            !hak_pieces_is_current(piece))
            continue;
        if (piece->pool_number == number)
            return piece;
        if (!other)
            other = piece;
    }
    return other;
}

static struct hak_fault_facts facts_of_bad_free(const struct pool_call *call,
                                                const struct hak_pool *pool) {
    const struct hak_piece *piece = piece_around(call->piece, pool->number);
    struct hak_fault_facts facts = facts_of(HAK_FAULT_POOL_BAD_FREE, call, pool, piece);
    if (piece)
        facts.offset = (int64_t)(call->piece - piece->address);
    return facts;
}

/* ---- what a call may do ---------------------------------------------------------------------- */

/* Finds the fault of giving a piece back to the pool, 0 = none. */
static struct hak_fault_facts judge_free(const struct pool_call *call, const struct hak_pool *pool,
                                         const struct hak_piece *piece) {
    bool is_own = piece && piece->pool_number == pool->number;
    if (pool->is_destroyed || (is_own && piece->pool_resets != pool->resets))
        return facts_of_end(call, pool, is_own ? piece : NULL);
    if (is_own && !piece->is_free)
        return (struct hak_fault_facts){0};
    if (is_own)
        return facts_of(HAK_FAULT_POOL_DOUBLE_FREE, call, pool, piece);
    if (hak_pieces_may_be_lost(call->piece))
        return (struct hak_fault_facts){0};
    if (piece && hak_pieces_lives(piece))
        return facts_of(HAK_FAULT_POOL_MISMATCH, call, pool, piece);
    return facts_of_bad_free(call, pool);
}

/* Finds the fault of handing a piece out. One that the pool has never taken back may be an arena's,
 * which begins anew without a word. */
static struct hak_fault_facts judge_alloc(const struct pool_call *call, const struct hak_pool *pool,
                                          const struct hak_piece *piece, size_t bytes) {
    bool is_own = piece && piece->pool_number == pool->number;
    if (pool->is_destroyed)
        return facts_of_end(call, pool, NULL);
    if (is_own && pool->takes_back && hak_pieces_lives(piece) && piece->bytes && bytes)
        return facts_of(HAK_FAULT_POOL_DOUBLE_ALLOC, call, pool, piece);
    return (struct hak_fault_facts){0};
}

static void tell_pool_fault(const struct hak_fault_facts *facts) {
    if (facts->fault && !hak_pieces_missed())
        hak_trace_fault(facts);
}

/* The piece goes back to its pool, unless others share its address. */
static void end_piece(struct hak_pool *pool, struct hak_piece *piece, uint32_t stack) {
    if (piece->more < UINT16_MAX)
        piece->is_free = piece->more == 0;
    if (piece->more > 0 && piece->more < UINT16_MAX)
        piece->more--;
    piece->free_stack = stack;
    pool->takes_back = 1;
    if (piece->is_free)
        hak_pieces_unlist(piece);
}

static void give_piece(const struct pool_call *call) {
    struct hak_fault_facts facts = {0};
    if (!hak_pieces_lock())
        return;
    struct hak_pool *pool = hak_pieces_pool(call->pool);
    struct hak_piece *piece = pool ? hak_pieces_find(call->piece, pool->number) : NULL;
    if (pool)
        facts = judge_free(call, pool, piece);
    if (piece && !facts.fault && piece->pool_number == pool->number) {
        struct hak_fault_facts damage = facts_of(HAK_FAULT_POOL_OVERFLOW, call, pool, piece);
        if (hak_redzone_look(piece, &damage))
            facts = damage;
        end_piece(pool, piece, call->stack);
    }
    hak_pieces_unlock();
    tell_pool_fault(&facts);
}

static void take_piece(const struct pool_call *call, size_t bytes) {
    struct hak_fault_facts facts = {0};
    struct hak_block_life life = {0};
    if (atomic_load_explicit(&hak_redzones_are_kept, memory_order_relaxed))
        life = hak_block_life_at(call->piece);
    if (!hak_pieces_lock())
        return;
    struct hak_pool *pool = hak_pieces_pool(call->pool);
    if (pool)
        facts = judge_alloc(call, pool, hak_pieces_find(call->piece, pool->number), bytes);
    if (pool && !pool->is_destroyed) {
        struct hak_piece *piece = hak_pieces_add(pool, call->piece, bytes, call->stack);
        if (piece && (pool->before || pool->behind))
            hak_redzone_fill(pool, piece, life);
    }
    hak_pieces_unlock();
    tell_pool_fault(&facts);
}

/* Ends the lives of all pieces of the pool, and with `destroys` the pool's. */
static void end_pieces(const struct pool_call *call, bool destroys) {
    struct hak_fault_facts facts = {0};
    if (!hak_pieces_lock())
        return;
    struct hak_pool *pool = hak_pieces_pool(call->pool);
    if (pool && pool->is_destroyed) {
        facts = facts_of_end(call, pool, NULL);
    } else if (pool) {
        struct hak_fault_facts damage = facts_of(HAK_FAULT_POOL_OVERFLOW, call, pool, NULL);
        if (hak_redzone_look_at_all(pool, &damage))
            facts = damage;
        pool->resets++;
        pool->is_destroyed = destroys;
        pool->end_stack = call->stack;
    }
    hak_pieces_unlock();
    tell_pool_fault(&facts);
}

/* ---- hakmem.h -------------------------------------------------------------------------------- */

HAK_EXPORT void hak_pool_create(const void *pool, const char *name) {
    uint8_t flags = 0;
    if (!pool || hak_light_serves())
        return;
    char copy[HAK_POOL_NAME]; /* the program's memory is not read with the lock held */
    hak_pool_copy_name(copy, name);
    uint32_t stack = hak_take_call_stack(HAK_CALL, &flags);
    if (!hak_pieces_lock())
        return;
    struct hak_pool *made = hak_pieces_new_pool(plain_address(pool));
    if (made) {
        made->create_stack = stack;
        hak_pool_copy_name(made->name, copy);
    }
    hak_pieces_unlock();
}

static uint16_t redzone_bytes(size_t bytes) {
    return (uint16_t)(bytes < HAK_REDZONE_MOST ? bytes : HAK_REDZONE_MOST);
}

/* Holds for pieces that are handed out from here on: those that are out have no filled room. */
HAK_EXPORT void hak_pool_redzone(const void *pool, size_t before, size_t behind) {
    if (!is_told(pool) || !hak_pieces_lock())
        return;
    struct hak_pool *told = hak_pieces_pool(plain_address(pool));
    if (told && !told->is_destroyed && !told->first) {
        told->before = redzone_bytes(before);
        told->behind = redzone_bytes(behind);
        atomic_store_explicit(&hak_redzones_are_kept, true, memory_order_relaxed);
    }
    hak_pieces_unlock();
}

HAK_EXPORT void hak_pool_alloc(const void *pool, const void *piece, size_t bytes) {
    uint8_t flags = 0;
    if (!piece || !is_told(pool))
        return;
    take_piece(&(struct pool_call){.name = "hak_pool_alloc",
                                   .pool = plain_address(pool),
                                   .piece = plain_address(piece),
                                   .kind = HAK_MALLOC,
                                   .stack = hak_take_call_stack(HAK_CALL, &flags)},
               bytes);
}

HAK_EXPORT void hak_pool_free(const void *pool, const void *piece) {
    uint8_t flags = 0;
    if (!piece || !is_told(pool))
        return;
    give_piece(&(struct pool_call){.name = "hak_pool_free",
                                   .pool = plain_address(pool),
                                   .piece = plain_address(piece),
                                   .kind = HAK_FREE,
                                   .stack = hak_take_call_stack(HAK_CALL, &flags)});
}

HAK_EXPORT void hak_pool_reset(const void *pool) {
    uint8_t flags = 0;
    if (!is_told(pool))
        return;
    end_pieces(&(struct pool_call){.name = "hak_pool_reset",
                                   .pool = plain_address(pool),
                                   .kind = HAK_FREE,
                                   .stack = hak_take_call_stack(HAK_CALL, &flags)},
               false);
}

HAK_EXPORT void hak_pool_destroy(const void *pool) {
    uint8_t flags = 0;
    if (!is_told(pool))
        return;
    end_pieces(&(struct pool_call){.name = "hak_pool_destroy",
                                   .pool = plain_address(pool),
                                   .kind = HAK_FREE,
                                   .stack = hak_take_call_stack(HAK_CALL, &flags)},
               true);
}
