/* Follows what the program's own pools hand out and take back, in each process. */
#include "store/history/piece_flow.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "hop.h"
#include "store/error.h"
#include "store/history/lineup.h"
#include "store/history/piece.h"
#include "store/reader/inner.h"

/* An address at which the pool has handed out a piece, which is live or not. */
struct followed_piece {
    uint64_t address, bytes, birth_ns, birth;
    uint32_t thread, stack;
    uint32_t next, previous; /* of the live ones: number + 1, 0 = none */
    bool is_live, is_inherited;
};

struct followed_pool {
    struct hak_piece_pool name;
    struct followed_piece *piece;
    uint32_t pieces, room;
    uint32_t first;       /* live piece: number + 1, 0 = none */
    uint32_t next_unused; /* of an emptied place; + 1, 0 = none */
    struct hak_index by_address;
};

/* The pools of a process. A destroyed one is emptied, and its place is used again. */
struct pool_holder {
    struct followed_pool *pool;
    uint32_t pools, room, unused;
    struct hak_index by_number; /* + 1; the newest place of a number is the last */
    struct hak_amount live;
};

struct piece_flow {
    const struct hak_piece_flow_query *query;
    struct hak_piece_flow *out;
    struct hak_lineup lineup;
    struct pool_holder *holder; /* of each process of the lineup */
    uint32_t next_turn;
    uint32_t process;       /* row id: of the holder that changes now */
    struct hak_amount live; /* of the processes that are asked for */
    bool is_behind, failed; /* behind query->from */
};

static bool is_pool_asked_for(const struct piece_flow *f, uint32_t process) {
    return !f->query->process || f->query->process == process;
}

static void tell_piece(const struct piece_flow *f, const struct followed_pool *pool,
                       const struct followed_piece *piece, uint64_t end_ns, bool has_left) {
    bool is_before = !piece->is_inherited && piece->birth <= f->query->from;
    const struct hak_flow_life life = {.process = f->process,
                                       .thread = piece->thread,
                                       .stack = piece->stack,
                                       .size = piece->bytes,
                                       .birth_ns = piece->birth_ns,
                                       .end_ns = end_ns,
                                       .class_index = 255,
                                       .is_birth_known = true,
                                       .is_before = is_before,
                                       .is_inherited = piece->is_inherited,
                                       .has_left = has_left};
    if (f->query->life && is_pool_asked_for(f, f->process))
        f->query->life(f->query->context, &life, &pool->name);
}

/* ---- pools -----------------------------------------------------------------------------------
 */

static void free_piece_pool(struct followed_pool *pool) {
    free(pool->piece);
    hak_index_free(&pool->by_address);
    *pool = (struct followed_pool){.name = {0, 0}};
}

static void free_pool_holder(struct pool_holder *h) {
    for (uint32_t i = 0; i < h->pools; i++)
        free_piece_pool(&h->pool[i]);
    free(h->pool);
    hak_index_free(&h->by_number);
    *h = (struct pool_holder){.pools = 0};
}

/* Empties the place of a destroyed pool. */
static void drop_piece_pool(struct pool_holder *h, struct followed_pool *pool) {
    free_piece_pool(pool);
    pool->next_unused = h->unused;
    h->unused = (uint32_t)(pool - h->pool) + 1;
}

static struct followed_pool *find_piece_pool(const struct pool_holder *h, uint32_t number) {
    uint64_t at = 0;
    for (uint32_t row; (row = hak_index_find(&h->by_number, number, &at));)
        if (h->pool[row - 1].name.number == number)
            return &h->pool[row - 1];
    return NULL;
}

/* The pool with this number, which is made where the capture has no create of it. NULL: no memory.
 */
static struct followed_pool *make_piece_pool(struct pool_holder *h, struct hak_piece_pool name) {
    struct followed_pool *pool = find_piece_pool(h, name.number);
    uint32_t at = h->unused ? h->unused - 1 : h->pools;
    if (pool)
        return pool;
    if (!h->unused && !hak_growing_make_room(&h->pool, at, &h->room, sizeof *h->pool))
        return NULL;
    if (!hak_index_add(&h->by_number, name.number, at + 1))
        return NULL;
    if (h->unused)
        h->unused = h->pool[at].next_unused;
    else
        h->pools++;
    h->pool[at] = (struct followed_pool){.name = name};
    return &h->pool[at];
}

/* A pool of the child, as its parent has it. */
static bool copy_piece_pool(struct followed_pool *to, const struct followed_pool *from) {
    *to = *from;
    to->by_address = (struct hak_index){0};
    to->piece = malloc((size_t)from->room * sizeof *to->piece + 1);
    if (!to->piece)
        return false;
    if (from->pieces)
        memcpy(to->piece, from->piece, (size_t)from->pieces * sizeof *to->piece);
    for (uint32_t i = 0; i < to->pieces; i++)
        if (!hak_index_add(&to->by_address, to->piece[i].address, i + 1))
            return false;
    return true;
}

static bool copy_pool_holder(struct pool_holder *to, const struct pool_holder *from) {
    for (uint32_t i = 0; i < from->pools; i++) {
        if (!from->pool[i].name.number)
            continue;
        struct followed_pool *made = make_piece_pool(to, from->pool[i].name);
        if (!made || !copy_piece_pool(made, &from->pool[i]))
            return false;
    }
    to->live = from->live;
    return true;
}

/* ---- pieces ----------------------------------------------------------------------------------
 */

static struct followed_piece *find_piece(const struct followed_pool *pool, uint64_t address) {
    uint64_t at = 0;
    uint32_t row = hak_index_find(&pool->by_address, address, &at);
    return row ? &pool->piece[row - 1] : NULL;
}

static struct followed_piece *make_piece(struct followed_pool *pool, uint64_t address) {
    struct followed_piece *piece = find_piece(pool, address);
    if (piece)
        return piece;
    if (!hak_growing_make_room(&pool->piece, pool->pieces, &pool->room, sizeof *pool->piece) ||
        !hak_index_add(&pool->by_address, address, pool->pieces + 1))
        return NULL;
    pool->piece[pool->pieces] = (struct followed_piece){.address = address};
    return &pool->piece[pool->pieces++];
}

static void add_live_piece(struct piece_flow *f, struct pool_holder *h, int64_t blocks,
                           uint64_t bytes) {
    bool is_asked = is_pool_asked_for(f, f->process);
    struct hak_amount change = {(uint64_t)blocks, blocks < 0 ? -bytes : bytes};
    hak_amount_add(&h->live, change);
    if (is_asked)
        hak_amount_add(&f->live, change);
}

static void take_piece_off(struct piece_flow *f, struct pool_holder *h, struct followed_pool *pool,
                           struct followed_piece *piece) {
    piece->is_live = false;
    if (piece->next)
        pool->piece[piece->next - 1].previous = piece->previous;
    if (piece->previous)
        pool->piece[piece->previous - 1].next = piece->next;
    else
        pool->first = piece->next;
    add_live_piece(f, h, -1, piece->bytes);
}

/* The life ends by the event. */
static void end_piece(struct piece_flow *f, struct pool_holder *h, struct followed_pool *pool,
                      struct followed_piece *piece, const struct hak_event *e) {
    take_piece_off(f, h, pool, piece);
    if (f->is_behind)
        tell_piece(f, pool, piece, e->ns ? e->ns : 1, false);
}

static void note_peak_of_pieces(struct piece_flow *f, const struct hak_event *e) {
    if (f->is_behind && f->live.bytes > f->out->peak.live.bytes)
        f->out->peak = (struct hak_flow_peak){.live = f->live, .id = e->id, .ns = e->ns};
}

/* Begins a life at the event's address; one that is live there ends. False: no memory. */
static bool begin_piece(struct piece_flow *f, struct pool_holder *h, struct followed_pool *pool,
                        const struct hak_event *e, uint64_t bytes) {
    struct followed_piece *piece = make_piece(pool, e->address);
    if (!piece)
        return false;
    if (piece->is_live)
        end_piece(f, h, pool, piece, e);
    uint32_t number = (uint32_t)(piece - pool->piece) + 1;
    *piece = (struct followed_piece){.address = e->address,
                                     .bytes = bytes,
                                     .birth_ns = e->ns,
                                     .birth = e->id,
                                     .thread = e->thread,
                                     .stack = e->stack,
                                     .next = pool->first,
                                     .is_live = true};
    if (pool->first)
        pool->piece[pool->first - 1].previous = number;
    pool->first = number;
    add_live_piece(f, h, 1, bytes);
    note_peak_of_pieces(f, e);
    return true;
}

/* A reset with a range spares the pieces that have a byte in it. */
static bool is_piece_spared(const struct followed_piece *piece, const struct hak_event *e) {
    return e->kind == HAK_POOL_RESET && e->size &&
           (piece->address < e->address ? e->address - piece->address < piece->bytes
                                        : piece->address - e->address < e->size);
}

static void end_all_pieces(struct piece_flow *f, struct pool_holder *h, struct followed_pool *pool,
                           const struct hak_event *e) {
    uint32_t next = pool->first;
    while (next) {
        struct followed_piece *piece = &pool->piece[next - 1];
        next = piece->next;
        if (!is_piece_spared(piece, e))
            end_piece(f, h, pool, piece, e);
    }
}

static void give_piece_back(struct piece_flow *f, struct pool_holder *h, struct followed_pool *pool,
                            const struct hak_event *e) {
    struct followed_piece *piece = find_piece(pool, e->address);
    if (piece && piece->is_live)
        end_piece(f, h, pool, piece, e);
    else if (e->kind == HAK_PIECE_FREE && f->is_behind)
        hak_amount_add(&f->out->unknown, (struct hak_amount){1, e->size});
}

/* A piece that a move puts out has the size that it had before. */
static bool move_piece(struct piece_flow *f, struct pool_holder *h, struct followed_pool *pool,
                       const struct hak_event *e) {
    const struct followed_piece *piece = find_piece(pool, e->address);
    if (!hak_is_move_out(e)) {
        give_piece_back(f, h, pool, e);
        return true;
    }
    return (piece && piece->is_live) || begin_piece(f, h, pool, e, piece ? piece->bytes : 0);
}

/* False: no memory. */
static bool change_pool(struct piece_flow *f, struct pool_holder *h, const struct hak_event *e) {
    struct hak_piece_pool name = {hak_event_pool(e), e->kind == HAK_POOL_CREATE ? e->id : 0};
    struct followed_pool *pool = name.number ? make_piece_pool(h, name) : NULL;
    if (!pool)
        return !name.number;
    switch (e->kind) {
    case HAK_PIECE_ALLOC:
        return begin_piece(f, h, pool, e, e->size);
    case HAK_PIECE_FREE:
        give_piece_back(f, h, pool, e);
        return true;
    case HAK_PIECE_MOVE:
        return move_piece(f, h, pool, e);
    case HAK_POOL_RESET:
        end_all_pieces(f, h, pool, e);
        return true;
    case HAK_POOL_DESTROY:
        end_all_pieces(f, h, pool, e);
        drop_piece_pool(h, pool);
        return true;
    default:
        return true;
    }
}

/* ---- processes -------------------------------------------------------------------------------
 */

/* Tells of all live pieces of a process. */
static void tell_all_pieces(struct piece_flow *f, uint32_t number, bool has_left) {
    const struct pool_holder *h = &f->holder[number];
    f->process = f->lineup.process[number].process;
    for (uint32_t i = 0; i < h->pools; i++)
        for (uint32_t next = h->pool[i].first; next; next = h->pool[i].piece[next - 1].next)
            tell_piece(f, &h->pool[i], &h->pool[i].piece[next - 1], 0, has_left);
}

/* Pieces that a child has from its parent are none of those that came behind `from`. */
static void mark_pieces_inherited(struct pool_holder *h) {
    for (uint32_t i = 0; i < h->pools; i++)
        for (uint32_t k = 0; k < h->pool[i].pieces; k++)
            h->pool[i].piece[k].is_inherited = true;
}

static void leave_pools(struct piece_flow *f, uint32_t number) {
    struct pool_holder *h = &f->holder[number];
    if (f->is_behind)
        tell_all_pieces(f, number, true);
    if (is_pool_asked_for(f, f->lineup.process[number].process)) {
        f->live.blocks -= h->live.blocks;
        f->live.bytes -= h->live.bytes;
    }
    free_pool_holder(h);
}

/* Applies a turn: at its fork a process has its parent's pools; after its last event none. */
static void apply_pool_turn(struct piece_flow *f, const struct hak_lineup_turn *t) {
    const struct hak_lineup_process *process = &f->lineup.process[t->number];
    int64_t parent = t->what == HAK_LINEUP_FORK ? hak_lineup_find(&f->lineup, process->parent) : -1;
    if (t->what == HAK_LINEUP_LAST && (f->query->to || t->before <= f->query->from))
        leave_pools(f, t->number);
    if (parent < 0 || parent == t->number)
        return;
    struct pool_holder *h = &f->holder[t->number];
    free_pool_holder(h);
    f->failed |= !copy_pool_holder(h, &f->holder[parent]);
    if (f->is_behind)
        mark_pieces_inherited(h);
    if (is_pool_asked_for(f, process->process))
        hak_amount_add(&f->live, h->live);
}

static void apply_pool_turns(struct piece_flow *f, uint64_t id) {
    for (; f->next_turn < f->lineup.turns && !f->failed; f->next_turn++) {
        if (f->lineup.turn[f->next_turn].before > id)
            return;
        apply_pool_turn(f, &f->lineup.turn[f->next_turn]);
    }
}

/* Applies all turns up to an event, which has not happened yet. */
static void advance_pools(struct piece_flow *f, uint64_t id) {
    if (!f->is_behind && id > f->query->from) {
        apply_pool_turns(f, f->query->from);
        f->is_behind = true;
        f->out->peak.live = f->live;
    }
    apply_pool_turns(f, id);
}

/* ---- reading ---------------------------------------------------------------------------------
 */

static int follow_pool_event(void *context, const struct hak_event *e) {
    struct piece_flow *f = context;
    int64_t number = hak_lineup_find(&f->lineup, e->process);
    advance_pools(f, e->id);
    if (number < 0 || f->failed)
        return f->failed;
    f->process = e->process;
    f->failed = !change_pool(f, &f->holder[number], e);
    return f->failed;
}

static int stop_at_first_pool(void *context, const struct hak_event *e) {
    (void)context;
    (void)e;
    return 1;
}

static int follow_pools(struct piece_flow *f, struct hak_store_reader *r,
                        const struct hak_filter *filter) {
    f->holder = calloc((size_t)f->lineup.processes + 1, sizeof *f->holder);
    int error = f->holder ? hak_store_scan(r, filter, false, follow_pool_event, f) : 0;
    if (f->holder && error >= 0 && !f->failed)
        advance_pools(f, f->query->to ? f->query->to : UINT64_MAX);
    if (!f->holder || f->failed)
        return hak_store_no_memory(r->db.path);
    if (error < 0)
        return error;
    for (uint32_t i = 0; i < f->lineup.processes; i++)
        tell_all_pieces(f, i, false);
    return 0;
}

int hak_piece_flow_read(struct hak_store_reader *r, const struct hak_piece_flow_query *query,
                        struct hak_piece_flow *out) {
    struct piece_flow f = {.query = query, .out = out};
    struct hak_filter filter = hak_filter_of_pools(HAK_PIECE_ALLOC, HAK_POOL_DESTROY, query->to);
    *out = (struct hak_piece_flow){.unknown = {0, 0}};
    int found = hak_store_scan(r, &filter, false, stop_at_first_pool, NULL);
    if (found != 1)
        return found; /* chunks say of which kinds their events are, the lineup reads more */
    int error = hak_lineup_read(r, 0, query->to, &f.lineup);
    if (!error)
        error = follow_pools(&f, r, &filter);
    for (uint32_t i = 0; f.holder && i < f.lineup.processes; i++)
        free_pool_holder(&f.holder[i]);
    free(f.holder);
    hak_lineup_free(&f.lineup);
    return error;
}
