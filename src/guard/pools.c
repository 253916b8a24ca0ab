/* The program's own pools (hakmem.h): the program tells what its pools hand out and take back, and
 * each call is compared with what was told before. */
#include "guard/guard.h"

#include "guard/pieces.h"
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

static void copy_pool_name(char to[HAK_POOL_NAME], const char *name) {
    size_t i = 0;
    for (; name && i + 1 < HAK_POOL_NAME && name[i]; i++)
        to[i] = name[i];
    for (; i < HAK_POOL_NAME; i++)
        to[i] = 0;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static struct hak_fault_facts begin_facts(enum hak_fault_code code, const struct pool_call *call,
                                          const struct hak_pool *pool) {
    struct hak_fault_facts facts = {
        .fault = code,
        .kind = call->kind,
        .found_address = call->piece ? call->piece : call->pool,
        .class_found = HAK_CLASS_NONE,
        .class_due = HAK_CLASS_NONE,
        .pool = {.number = pool->number},
    };
    hak_copy_call(&facts, call->name);
    copy_pool_name(facts.pool.name, pool->name);
    return facts;
}

/* Adds what is known of the piece, and the pool that it is of where that is another one. */
static void add_piece(struct hak_fault_facts *facts, const struct hak_piece *piece) {
    const struct hak_pool *of = hak_pieces_pool_of(piece);
    facts->base = facts->user = piece->address;
    facts->asked_bytes = facts->slot_bytes = piece->bytes;
    facts->alloc_stack = piece->alloc_stack;
    facts->free_stack = piece->free_stack;
    if (piece->pool_number == facts->pool.number)
        return;
    facts->pool.other_number = piece->pool_number;
    if (of)
        copy_pool_name(facts->pool.other_name, of->name);
}

/* The pool is destroyed, or was reset after the piece was made: says so, and where. */
static struct hak_fault_facts facts_of_end(const struct pool_call *call,
                                           const struct hak_pool *pool,
                                           const struct hak_piece *piece) {
    struct hak_fault_facts facts = begin_facts(HAK_FAULT_POOL_USE_AFTER_RESET, call, pool);
    facts.alloc_stack = pool->create_stack;
    if (piece)
        add_piece(&facts, piece);
    facts.free_stack = pool->end_stack;
    facts.pool.end = pool->is_destroyed ? HAK_POOL_DESTROYED : HAK_POOL_RESET;
    return facts;
}

/* The piece is of a pool that was destroyed and followed by this one: so, and where. */
static struct hak_fault_facts facts_of_former(const struct pool_call *call,
                                              const struct hak_pool *pool,
                                              const struct hak_piece *piece) {
    struct hak_fault_facts facts = begin_facts(HAK_FAULT_POOL_USE_AFTER_RESET, call, pool);
    add_piece(&facts, piece);
    copy_pool_name(facts.pool.other_name, pool->former.name);
    facts.free_stack = piece->pool_number == pool->former.last ? pool->former.end_stack : 0;
    facts.pool.end = HAK_POOL_DESTROYED;
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
    struct hak_fault_facts facts = begin_facts(HAK_FAULT_POOL_BAD_FREE, call, pool);
    const struct hak_piece *piece = piece_around(call->piece, pool->number);
    if (piece) {
        add_piece(&facts, piece);
        facts.offset = (int64_t)(call->piece - piece->address);
    }
    return facts;
}

/* ---- what a call may do ---------------------------------------------------------------------- */

/* Finds the fault of giving a piece back to the pool, 0 = none. */
static struct hak_fault_facts judge_free(const struct pool_call *call, const struct hak_pool *pool,
                                         const struct hak_piece *piece) {
    struct hak_fault_facts facts = {0};
    bool is_own = piece && piece->pool_number == pool->number;
    if (pool->is_destroyed || (is_own && piece->pool_resets != pool->resets))
        return facts_of_end(call, pool, is_own ? piece : NULL);
    if (is_own && !piece->is_free)
        return facts;
    if (piece && !is_own && hak_pieces_is_of_former(piece, pool))
        return facts_of_former(call, pool, piece);
    if (is_own) {
        facts = begin_facts(HAK_FAULT_POOL_DOUBLE_FREE, call, pool);
    } else if (piece && !piece->is_free && hak_pieces_is_current(piece)) {
        facts = begin_facts(HAK_FAULT_POOL_MISMATCH, call, pool);
    } else if (hak_pieces_lost() == 0) {
        return facts_of_bad_free(call, pool);
    } else {
        return facts;
    }
    add_piece(&facts, piece);
    return facts;
}

static void tell_pool_fault(const struct hak_fault_facts *facts) {
    if (facts->fault && !hak_pieces_missed())
        hak_trace_fault(facts);
}

static void give_piece(const struct pool_call *call) {
    struct hak_fault_facts facts = {0};
    if (!hak_pieces_lock())
        return;
    const struct hak_pool *pool = hak_pieces_pool(call->pool);
    struct hak_piece *piece = pool ? hak_pieces_find(call->piece, pool->number) : NULL;
    if (pool)
        facts = judge_free(call, pool, piece);
    if (piece && !facts.fault && piece->pool_number == pool->number) {
        if (piece->more < UINT16_MAX)
            piece->is_free = piece->more == 0;
        if (piece->more > 0 && piece->more < UINT16_MAX)
            piece->more--;
        piece->free_stack = call->stack;
    }
    hak_pieces_unlock();
    tell_pool_fault(&facts);
}

static struct hak_pool *new_pool(const struct pool_call *call, const char *name) {
    struct hak_pool *pool = hak_pieces_new_pool(call->pool);
    if (pool) {
        pool->create_stack = call->stack;
        copy_pool_name(pool->name, name);
    }
    return pool;
}

static void take_piece(const struct pool_call *call, size_t bytes) {
    struct hak_fault_facts facts = {0};
    if (!hak_pieces_lock())
        return;
    struct hak_pool *pool = hak_pieces_pool(call->pool);
    if (!pool && call->pool == (uintptr_t)HAK_POOL_MALLOC_LIKE)
        pool = new_pool(call, "malloc-like");
    if (pool && pool->is_destroyed)
        facts = facts_of_end(call, pool, NULL);
    else if (pool)
        hak_pieces_add(pool, call->piece, bytes, call->stack);
    hak_pieces_unlock();
    tell_pool_fault(&facts);
}

/* Ends the lives of all pieces of the pool but those in the range, and with `destroys` the pool's.
 */
static void end_pieces(const struct pool_call *call, bool destroys, const void *kept,
                       size_t kept_bytes) {
    struct hak_fault_facts facts = {0};
    if (!hak_pieces_lock())
        return;
    struct hak_pool *pool = hak_pieces_pool(call->pool);
    if (pool && pool->is_destroyed) {
        facts = facts_of_end(call, pool, NULL);
    } else if (pool) {
        pool->resets++;
        pool->is_destroyed = destroys;
        pool->end_stack = call->stack;
        if (kept_bytes)
            hak_pieces_keep(pool, plain_address(kept), kept_bytes);
    }
    hak_pieces_unlock();
    tell_pool_fault(&facts);
}

/* ---- hakmem.h -------------------------------------------------------------------------------- */

HAK_EXPORT void hak_pool_create(const void *pool, const char *name) {
    uint8_t flags = 0;
    if (!pool || hak_light_serves())
        return;
    struct pool_call call = {.pool = plain_address(pool),
                             .stack = hak_take_call_stack(HAK_CALL, &flags)};
    if (!hak_pieces_lock())
        return;
    (void)new_pool(&call, name);
    hak_pieces_unlock();
}

HAK_EXPORT void hak_pool_alloc(const void *pool, const void *piece, size_t bytes) {
    uint8_t flags = 0;
    bool is_malloc_like = pool == HAK_POOL_MALLOC_LIKE && !hak_light_serves();
    if (!piece || (!is_malloc_like && !is_told(pool)))
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
               false, NULL, 0);
}

HAK_EXPORT void hak_pool_reset_outside(const void *pool, const void *address, size_t bytes) {
    uint8_t flags = 0;
    if (!is_told(pool))
        return;
    end_pieces(&(struct pool_call){.name = "hak_pool_reset_outside",
                                   .pool = plain_address(pool),
                                   .kind = HAK_FREE,
                                   .stack = hak_take_call_stack(HAK_CALL, &flags)},
               false, address, bytes);
}

HAK_EXPORT void hak_pool_destroy(const void *pool) {
    uint8_t flags = 0;
    if (!is_told(pool))
        return;
    end_pieces(&(struct pool_call){.name = "hak_pool_destroy",
                                   .pool = plain_address(pool),
                                   .kind = HAK_FREE,
                                   .stack = hak_take_call_stack(HAK_CALL, &flags)},
               true, NULL, 0);
}

HAK_EXPORT void hak_pool_rebase(const void *pool, const void *to) {
    if (!to || !is_told(pool) || !hak_pieces_lock())
        return;
    (void)hak_pieces_move_pool(plain_address(pool), plain_address(to));
    hak_pieces_unlock();
}

HAK_EXPORT int hak_pool_exists(const void *pool) {
    if (!is_told(pool) || !hak_pieces_lock())
        return 0;
    const struct hak_pool *found = hak_pieces_pool(plain_address(pool));
    int exists = found && !found->is_destroyed;
    hak_pieces_unlock();
    return exists;
}
