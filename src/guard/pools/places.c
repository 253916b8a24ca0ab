/* Keeps the places of the program's own pools, and compares each move with the pool's table. */
#include "guard/pools/places.h"

#include "guard/pools/redzone.h"
#include "hakmem.h"

_Static_assert(HAK_POOL_PLACES <= 16, "a set of places is 16 bits");

static const char *name_of(const struct hak_pool *pool, unsigned place) {
    static const char *const known[] = {"out", "free", "new"};
    return place < HAK_POOL_PLACE_FIRST ? known[place]
           : place < HAK_POOL_PLACES    ? pool->place[place - HAK_POOL_PLACE_FIRST]
                                        : "";
}

static bool is_same(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* How many places the pool has, with those of each pool. */
static unsigned count_places(const struct hak_pool *pool) {
    return HAK_POOL_PLACE_FIRST + (unsigned)pool->places;
}

/* The number of the place with this name; HAK_POOL_PLACES: the pool has none. */
static unsigned find_place(const struct hak_pool *pool, const char *name) {
    unsigned place = 0;
    while (place < count_places(pool) && !is_same(name_of(pool, place), name))
        place++;
    return place < count_places(pool) ? place : HAK_POOL_PLACES;
}

/* The same; one that the pool does not have is made, where there is room. */
static unsigned place_of(struct hak_pool *pool, const char *name) {
    unsigned place = find_place(pool, name);
    if (place < HAK_POOL_PLACES || count_places(pool) == HAK_POOL_PLACES)
        return place;
    hak_pool_copy_name(pool->place[pool->places], HAK_POOL_PLACE_NAME, name);
    pool->places++;
    return count_places(pool) - 1;
}

/* ---- legality -------------------------------------------------------------------------------- */

static unsigned place_now(const struct hak_pool *pool, const struct hak_piece *piece) {
    return !piece                               ? HAK_POOL_PLACE_NEW
           : piece->pool_resets != pool->resets ? HAK_POOL_PLACE_FREE
                                                : piece->place;
}

static bool is_legal(const struct hak_pool *pool, unsigned from, unsigned to) {
    bool is_hand_out = to == HAK_POOL_PLACE_OUT && from != HAK_POOL_PLACE_OUT;
    if (!pool->has_moves ||
        (is_hand_out && (from == HAK_POOL_PLACE_FREE || from == HAK_POOL_PLACE_NEW)))
        return true;
    return to < HAK_POOL_PLACES && (pool->allowed[to] >> from & 1);
}

struct hak_fault_facts hak_pool_judge_move(const struct hak_pool_call *call,
                                           const struct hak_pool *pool,
                                           const struct hak_piece *piece, unsigned to) {
    unsigned from = place_now(pool, piece);
    if (from == HAK_POOL_PLACE_NEW && hak_pieces_may_be_lost(call->piece))
        return (struct hak_fault_facts){0};
    if (piece && !hak_pieces_has_its_block(piece))
        return (struct hak_fault_facts){0}; /* it may be a new one, cut from another block */
    /* An arena begins anew without a word. */
    if (is_legal(pool, from, to) || (from == HAK_POOL_PLACE_OUT && to == HAK_POOL_PLACE_OUT))
        return (struct hak_fault_facts){0};
    const struct hak_piece *around =
        piece ? piece : hak_pool_piece_around(call->piece, pool->number, false);
    if (around && around->pool_number != pool->number)
        around = NULL;
    struct hak_fault_facts facts =
        hak_pool_facts_of(HAK_FAULT_POOL_ILLEGAL_MOVE, call, pool, around);
    if (facts.base)
        facts.offset = (int64_t)(call->piece - around->address);
    hak_pool_copy_name(facts.pool.from, sizeof facts.pool.from, name_of(pool, from));
    hak_pool_copy_name(facts.pool.to, sizeof facts.pool.to, name_of(pool, to));
    return facts;
}

/* ---- hakmem.h -------------------------------------------------------------------------------- */

/* Tells the record the number of a name, where the pool had fewer `places` before the call. */
static void note_place(const struct hak_pool_call *call, uint32_t number, unsigned places,
                       unsigned place, const char *name) {
    if (place >= HAK_POOL_PLACE_FIRST + places && place < HAK_POOL_PLACES)
        hak_pool_note(HAK_POOL_PLACE, call, number, call->pool, place, name);
}

HAK_EXPORT void hak_pool_allow(const void *pool, const char *from, const char *to) {
    char from_name[HAK_POOL_PLACE_NAME], to_name[HAK_POOL_PLACE_NAME];
    unsigned from_place = HAK_POOL_PLACES, to_place = HAK_POOL_PLACES;
    struct hak_fault_facts facts = {0};
    unsigned places = 0;
    uint32_t number = 0;
    if (!hak_pool_is_told(pool) || !from || !to)
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_allow", pool, NULL, HAK_POOL_PLACE);
    hak_pool_copy_name(from_name, sizeof from_name, from);
    hak_pool_copy_name(to_name, sizeof to_name, to);
    if (!hak_pool_begin())
        return;
    struct hak_pool *told = hak_pool_of_call(&call);
    if (told && told->is_destroyed) {
        facts = hak_pool_facts_of_end(&call, told, NULL);
    } else if (told) {
        places = told->places;
        from_place = place_of(told, from_name);
        to_place = place_of(told, to_name);
        number = told->number;
    }
    if (from_place < HAK_POOL_PLACES && to_place < HAK_POOL_PLACES) {
        told->has_moves = 1;
        told->allowed[to_place] |= (uint16_t)(1u << from_place);
    }
    note_place(&call, number, places, from_place, from_name);
    note_place(&call, number, places, to_place, to_name);
    hak_pieces_unlock();
    hak_pool_tell_fault(&facts);
}

/* The piece that the move is of, made where none is known; NULL: there is no room for it. */
static struct hak_piece *own_piece(struct hak_pool *pool, const struct hak_pool_call *call) {
    struct hak_piece *piece = hak_pieces_find_own(call->piece, pool);
    if (piece && piece->pool_resets == pool->resets)
        return piece;
    piece = hak_pieces_add_free(pool, call->piece);
    if (piece)
        hak_pieces_set_block(piece, hak_block_life_at(call->piece));
    return piece;
}

/* Puts the piece to its place: with the program it lives, elsewhere it is free. The pool may have
 * used the room around it in between, and may hand it out with another size: no room is filled. */
static void put_piece(struct hak_pool *pool, struct hak_piece *piece, unsigned to, uint32_t stack) {
    bool is_out = to == HAK_POOL_PLACE_OUT;
    if (is_out && piece->is_free)
        piece->alloc_stack = stack;
    if (!is_out && !piece->is_free)
        piece->free_stack = stack;
    if (piece->is_free || !is_out)
        piece->has_room = 0;
    if (!hak_pieces_has_its_block(piece)) {
        piece->bytes = 0; /* another piece: of a size that is not known */
        hak_pieces_set_block(piece, hak_block_life_at(piece->address));
    }
    piece->is_free = !is_out;
    piece->place = (uint8_t)to;
    pool->takes_back = 1;
    if (!is_out)
        hak_pieces_unlist(piece);
}

HAK_EXPORT void hak_pool_move(const void *pool, const void *piece, const char *to) {
    char name[HAK_POOL_PLACE_NAME];
    struct hak_fault_facts facts = {0};
    unsigned from = HAK_POOL_PLACE_NEW, place = HAK_POOL_PLACES;
    uint32_t number = 0;
    bool leaves_out = false;
    if (!piece || !to || !hak_pool_is_told(pool))
        return;
    struct hak_pool_call call = HAK_POOL_CALL("hak_pool_move", pool, piece, HAK_PIECE_MOVE);
    hak_pool_copy_name(name, sizeof name, to);
    if (!hak_pool_begin())
        return;
    struct hak_pool *told = hak_pool_of_call(&call);
    unsigned places = told ? told->places : 0;
    if (told && told->is_destroyed) {
        facts = hak_pool_facts_of_end(&call, told, NULL);
    } else if (told) {
        const struct hak_piece *known = hak_pieces_find_own(call.piece, told);
        place = told->has_moves ? find_place(told, name) : place_of(told, name);
        from = place_now(told, known);
        facts = hak_pool_judge_move(&call, told, known, place);
        if (facts.fault && place == HAK_POOL_PLACES)
            hak_pool_copy_name(facts.pool.to, sizeof facts.pool.to, name);
    }
    if (place < HAK_POOL_PLACES && !facts.fault) {
        struct hak_piece *moved = own_piece(told, &call);
        bool is_out = from == HAK_POOL_PLACE_OUT;
        leaves_out = hak_pool_leaves_out(is_out && place != HAK_POOL_PLACE_OUT ? moved : NULL);
        if (moved)
            put_piece(told, moved, place, call.stack);
        if (moved && !is_out)
            moved->is_left_out = leaves_out;
        number = told->number;
    }
    note_place(&call, number, places, place, name);
    hak_pool_note(HAK_PIECE_MOVE, &call, leaves_out ? 0 : number, call.piece,
                  place | (uint64_t)from << 8, NULL);
    hak_pieces_unlock();
    hak_pool_tell_fault(&facts);
}
