/* Keeps the program's own pools and their pieces, each found by its address. */
#include "guard/pools/pieces.h"

#include "guard/locate/locate.h"
#include "guard/pools/redzone.h"
#include "hakmem.h"
#include "hop.h"
#include "platform/line.h"
#include "platform/lock.h"
#include "trace/wait.h"

enum { POOL_BITS = 12, PIECE_BITS = 20, PLACES_TRIED = 32, LOST_BITS = 20, OUTSIDE_BITS = 20 };
enum { PAGE_SHIFT = 12 };
enum { STUCK_SECONDS = 15 }; /* more than a record waits for room in its ring */
#define SECOND_NS UINT64_C(1000000000)

struct table {
    struct hak_pool pools[(1 << POOL_BITS) + PLACES_TRIED];
    struct hak_piece pieces[(1 << PIECE_BITS) + PLACES_TRIED];
    uint64_t lost[(1 << LOST_BITS) / 64]; /* a bit for the addresses of pieces not kept */
    /* Of pieces outside of malloc's blocks: a bit for the pages in which they begin. */
    uint64_t outside[(1 << OUTSIDE_BITS) / 64];
    struct hak_pool_reach outside_reach;
};

_Atomic bool hak_pieces_are_kept;

static struct hak_lock pieces_lock;
static struct table *table;
static uint32_t last_number;
static uint64_t lost;           /* pools and pieces */
static bool is_forgotten;       /* the table of a fork's parent: its pieces may be anywhere */
static bool has_no_malloc_like; /* that pool had no room, which is counted */
static _Atomic bool is_missed, is_stuck;
static _Atomic uint32_t turns; /* grows as the lock's holder goes on, and as it is given back */

bool hak_pieces_missed(void) {
    return atomic_load_explicit(&is_missed, memory_order_relaxed);
}

bool hak_pieces_have_gaps(void) {
    return hak_pieces_missed() || lost > 0 || is_forgotten;
}

static void miss_call(const char *what) {
    struct hak_line line = {.length = 0};
    if (atomic_exchange_explicit(&is_missed, true, memory_order_relaxed))
        return;
    hak_line_add(&line, "hakmem: ");
    hak_line_add(&line, what);
    hak_line_add(&line, "; no fault of a pool is reported from here on");
    hak_line_end(&line);
}

/* The holder goes on: who waits for the lock waits longer. */
static void go_on(void) {
    uint32_t turn = atomic_load_explicit(&turns, memory_order_relaxed);
    atomic_store_explicit(&turns, turn + 1, memory_order_relaxed);
}

/* Waits as hak_lock does, but not for a thread that left its call: false then. */
static bool lock_in_time(void) {
    uint32_t before = atomic_load_explicit(&turns, memory_order_relaxed);
    uint32_t seen = atomic_load_explicit(&pieces_lock.holder, memory_order_relaxed);
    uint64_t since = hak_monotonic_ns();
    while (hak_monotonic_ns() - since < STUCK_SECONDS * SECOND_NS) {
        if (hak_lock_turn(&pieces_lock, &seen, SECOND_NS))
            return true;
        uint32_t now = atomic_load_explicit(&turns, memory_order_relaxed);
        since = now != before ? hak_monotonic_ns() : since;
        before = now;
    }
    atomic_store_explicit(&is_stuck, true, memory_order_relaxed);
    return false;
}

/* Takes the lock; false: the thread holds it, which makes `what` a call that is missed, or another
 * one never gives it back. */
static bool lock_for(const char *what) {
    if (hak_lock_is_mine(&pieces_lock)) {
        miss_call(what);
        return false;
    }
    if (atomic_load_explicit(&is_stuck, memory_order_relaxed))
        return false;
    if (hak_try_lock(&pieces_lock) || lock_in_time())
        return true;
    miss_call("a call of hak_pool_* is missed, as another thread has not ended one for 15 s");
    return false;
}

bool hak_pieces_lock(void) {
    return lock_for("a call of hak_pool_* is missed, made in a signal handler that interrupted "
                    "another one, or left it by longjmp");
}

void hak_pieces_unlock(void) {
    go_on();
    hak_unlock(&pieces_lock);
}

bool hak_pieces_are_still(void) {
    return atomic_load_explicit(&pieces_lock.holder, memory_order_acquire) == 0;
}

static size_t first_place(uintptr_t address, unsigned bits) {
    return address * 0x9e3779b97f4a7c15ull >> (64 - bits);
}

/* ---- pools ----------------------------------------------------------------------------------- */

/* Counts a pool that is not known: nothing of it is recorded from here on. */
static void lose_pool(void) {
    lost++;
    hak_hop_count(HAK_COUNTED_POOL_MISSED, HAK_CLASS_NONE, 1);
}

/* The program does not make the malloc-like pool: each call tries anew, and is missed. */
static void lose_new_pool(uintptr_t address) {
    bool is_malloc_like = address == (uintptr_t)HAK_POOL_MALLOC_LIKE;
    if (is_malloc_like && has_no_malloc_like)
        hak_hop_count(HAK_COUNTED_POOL_CALL_MISSED, HAK_CLASS_NONE, 0);
    else
        lose_pool();
    has_no_malloc_like |= is_malloc_like;
}

static struct hak_pool *entry_of_pool(uintptr_t address) {
    struct hak_pool *pool = table ? &table->pools[first_place(address, POOL_BITS)] : NULL;
    for (int i = 0; pool && i < PLACES_TRIED && pool[i].address; i++)
        if (pool[i].address == address)
            return &pool[i];
    return NULL;
}

/* The pool that the entry stands for; NULL: it is the alias of one that is not there any more. */
static struct hak_pool *pool_of_entry(struct hak_pool *entry) {
    struct hak_pool *pool = entry->alias_of ? &table->pools[entry->alias_of - 1] : entry;
    return pool->number == entry->number ? pool : NULL;
}

struct hak_pool *hak_pieces_pool(uintptr_t address) {
    struct hak_pool *entry = entry_of_pool(address);
    return entry ? pool_of_entry(entry) : NULL;
}

static bool is_place_over(struct hak_pool *entry) {
    const struct hak_pool *pool = pool_of_entry(entry);
    return !pool || pool->is_destroyed;
}

/* The place for a pool at the address: its own, an empty one, or a destroyed pool's. */
static struct hak_pool *place_for_pool(uintptr_t address) {
    struct hak_pool *first = &table->pools[first_place(address, POOL_BITS)], *over = NULL;
    for (int i = 0; i < PLACES_TRIED; i++) {
        if (first[i].address == address || !first[i].address)
            return !first[i].address && over ? over : &first[i];
        if (is_place_over(&first[i]) && !over)
            over = &first[i];
    }
    return over;
}

/* Makes the pool the next one at its address: the one before was destroyed, or is forgotten. */
static void follow(struct hak_pool *pool, struct hak_pool *before) {
    if (before->alias_of) {
        if (pool_of_entry(before))
            pool_of_entry(before)->is_destroyed = true;
    } else if (before->address == pool->address && before->is_destroyed) {
        pool->former.first = before->former.first ? before->former.first : before->number;
        pool->former.last = before->number;
        pool->former.end_stack = before->end_stack;
        for (size_t i = 0; i < HAK_POOL_NAME; i++)
            pool->former.name[i] = before->name[i];
    }
}

struct hak_pool *hak_pieces_new_pool(uintptr_t address) {
    if (!table)
        table = hak_map(HAK_PAGES_OF(sizeof *table));
    struct hak_pool *pool = table ? place_for_pool(address) : NULL;
    if (!pool) {
        lose_new_pool(address);
        return NULL;
    }
    struct hak_pool made = {.address = address, .number = ++last_number};
    if (pool->address)
        follow(&made, pool);
    *pool = made;
    atomic_store_explicit(&hak_pieces_are_kept, true, memory_order_relaxed);
    return pool;
}

/* Calls for the pool will name an address that has no entry: its pieces are nobody's. */
static void forget(struct hak_pool *entry, struct hak_pool *pool) {
    entry->address = HAK_POOL_MOVED;
    entry->number = pool->number = 0;
    pool->is_destroyed = true;
    lose_pool();
}

bool hak_pieces_move_pool(uintptr_t from, uintptr_t to) {
    struct hak_pool *entry = entry_of_pool(from);
    struct hak_pool *pool = entry ? pool_of_entry(entry) : NULL;
    struct hak_pool *alias = pool && from != to ? place_for_pool(to) : NULL;
    if (!alias && pool && from != to)
        forget(entry, pool);
    if (!alias)
        return !pool || from == to;
    struct hak_pool made = {
        .address = to, .number = pool->number, .alias_of = (uint32_t)(pool - table->pools) + 1};
    if (alias->address)
        follow(&made, alias);
    made.former.first = made.former.last = 0;
    entry->address = HAK_POOL_MOVED;
    if (entry != pool)
        entry->number = 0; /* an alias no more: over */
    *alias = made;
    return true;
}

bool hak_pieces_is_of_former(const struct hak_piece *piece, const struct hak_pool *pool) {
    return &table->pools[piece->pool_place] == pool && pool->former.first &&
           piece->pool_number >= pool->former.first && piece->pool_number <= pool->former.last;
}

const struct hak_pool *hak_pieces_pool_of(const struct hak_piece *piece) {
    const struct hak_pool *pool = &table->pools[piece->pool_place];
    return pool->number == piece->pool_number ? pool : NULL;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

bool hak_pieces_is_current(const struct hak_piece *piece) {
    const struct hak_pool *pool = hak_pieces_pool_of(piece);
    return pool && !pool->is_destroyed && pool->resets == piece->pool_resets;
}

bool hak_pieces_lives(const struct hak_piece *piece) {
    return !piece->is_free && hak_pieces_is_current(piece);
}

struct hak_piece *hak_pieces_find(uintptr_t address, uint32_t number) {
    struct hak_piece *piece = table ? &table->pieces[first_place(address, PIECE_BITS)] : NULL;
    struct hak_piece *other = NULL;
    for (int i = 0; piece && i < PLACES_TRIED && piece[i].address; i++) {
        if (piece[i].address != address)
            continue;
        if (piece[i].pool_number == number)
            return &piece[i];
        if (!other || hak_pieces_lives(&piece[i]))
            other = &piece[i];
    }
    return other;
}

struct hak_piece *hak_pieces_find_own(uintptr_t address, const struct hak_pool *pool) {
    struct hak_piece *piece = hak_pieces_find(address, pool->number);
    return piece && piece->pool_number == pool->number ? piece : NULL;
}

/* The place for a piece at the address: the one it had in this pool, that of another pool's piece
 * there whose life is over, an empty one, or any whose life is over. Freed pieces are kept as long
 * as there are empty places. */
static struct hak_piece *place_for_piece(uintptr_t address, uint32_t number) {
    struct hak_piece *first = &table->pieces[first_place(address, PIECE_BITS)], *over = NULL;
    for (int i = 0; i < PLACES_TRIED; i++) {
        if (!first[i].address)
            return over ? over : &first[i];
        if (first[i].address != address)
            continue;
        if (first[i].pool_number == number)
            return &first[i];
        if (!over && !hak_pieces_lives(&first[i]))
            over = &first[i];
    }
    for (int i = 0; i < PLACES_TRIED && !over; i++)
        if (!hak_pieces_lives(&first[i]))
            over = &first[i];
    return over;
}

/* Pieces of no bytes may lie at the address of the next one: then as many frees are due. */
static uint16_t more_at(const struct hak_piece *before, const struct hak_pool *pool,
                        uint64_t bytes) {
    if (before->pool_number != pool->number || !hak_pieces_lives(before) ||
        (before->bytes && bytes))
        return 0;
    return before->more < UINT16_MAX ? before->more + 1 : UINT16_MAX;
}

static void set_bit(uint64_t *bits, size_t bit) {
    bits[bit / 64] |= (uint64_t)1 << bit % 64;
}

static bool has_bit(const uint64_t *bits, size_t bit) {
    return bits[bit / 64] >> bit % 64 & 1;
}

static bool is_noted_lost(uintptr_t address) {
    return has_bit(table->lost, first_place(address, LOST_BITS));
}

static void lose_piece(uintptr_t address, uint64_t bytes) {
    set_bit(table->lost, first_place(address, LOST_BITS));
    lost++;
    hak_hop_count(HAK_COUNTED_PIECE_MISSED, HAK_CLASS_NONE, bytes);
}

static void extend(struct hak_pool_reach *reach, uintptr_t address, uint64_t bytes) {
    if (!reach->bits || address < reach->lowest)
        reach->lowest = address;
    if (address > reach->highest)
        reach->highest = address;
    if (bytes > reach->largest_bytes)
        reach->largest_bytes = bytes;
    reach->bits |= address;
}

static struct hak_piece *add_piece(struct hak_pool *pool, uintptr_t address, uint64_t bytes,
                                   uint32_t stack) {
    struct hak_piece *piece = place_for_piece(address, pool->number);
    if (!piece)
        return NULL;
    hak_pieces_unlist(piece);
    *piece = (struct hak_piece){.address = address,
                                .bytes = bytes,
                                .pool_place = (uint32_t)(pool - table->pools),
                                .pool_number = pool->number,
                                .pool_resets = pool->resets,
                                .alloc_stack = stack,
                                .more = more_at(piece, pool, bytes)};
    return piece;
}

struct hak_piece *hak_pieces_add(struct hak_pool *pool, uintptr_t address, uint64_t bytes,
                                 uint32_t stack) {
    struct hak_piece *piece = add_piece(pool, address, bytes, stack);
    if (piece)
        extend(&pool->reach, address, bytes);
    else
        lose_piece(address, bytes);
    return piece;
}

struct hak_piece *hak_pieces_add_free(struct hak_pool *pool, uintptr_t address) {
    struct hak_piece *piece = add_piece(pool, address, 0, 0);
    if (piece) {
        extend(&pool->reach, address, 0);
        piece->is_free = 1;
    } else if (!is_noted_lost(address)) {
        lose_piece(address, 0);
    }
    return piece;
}

struct hak_piece *hak_pieces_add_guarded(struct hak_pool *pool, uintptr_t address, uint64_t bytes,
                                         uint32_t stack) {
    struct hak_piece *piece = add_piece(pool, address, bytes, stack);
    if (piece) {
        piece->is_guarded = 1;
        piece->more =
            0; /* a block of its own: what is known at the address is of memory that went */
    }
    return piece;
}

/* ---- pieces in a range ----------------------------------------------------------------------- */

/* Calls `visit` for the pieces that begin at the address, in whichever state and pool. */
static void each_at(uintptr_t address, void (*visit)(struct hak_piece *, void *), void *context) {
    struct hak_piece *piece = &table->pieces[first_place(address, PIECE_BITS)];
    for (int i = 0; i < PLACES_TRIED && piece[i].address; i++)
        if (piece[i].address == address)
            visit(&piece[i], context);
    go_on();
}

static void each_of_all(void (*visit)(struct hak_piece *, void *), void *context) {
    for (size_t i = 0; i < sizeof table->pieces / sizeof table->pieces[0]; i++) {
        if (table->pieces[i].address)
            visit(&table->pieces[i], context);
        go_on();
    }
}

/* Calls `visit` for the pieces in the reach that begin from `first` to `last`, and for others. Of
 * more than a million addresses it walks over the table instead. */
static void each_begin(const struct hak_pool_reach *reach, uintptr_t first, uintptr_t last,
                       void (*visit)(struct hak_piece *, void *), void *context) {
    uintptr_t step = reach->bits & -reach->bits;
    first = first < reach->lowest ? reach->lowest : first;
    last = last > reach->highest ? reach->highest : last;
    if (!step || first > last)
        return;
    first += -first & (step - 1);
    if (first <= last && (last - first) / step >= 1 << PIECE_BITS) {
        each_of_all(visit, context);
        return;
    }
    for (uintptr_t at = first; at <= last && at >= first; at += step)
        each_at(at, visit, context);
}

/* The address so many bytes in front, and behind; as far as there are any. */
static uintptr_t in_front(uintptr_t address, uint64_t bytes) {
    return address > bytes ? address - bytes : 0;
}
static uintptr_t behind(uintptr_t address, uint64_t bytes) {
    return bytes > UINTPTR_MAX - address ? UINTPTR_MAX : address + bytes;
}

struct range {
    struct hak_pool *pool;
    uintptr_t from;
    uint64_t bytes;
    void (*visit)(struct hak_piece *, void *);
    void *context;
};

static void keep_if_inside(struct hak_piece *piece, void *context) {
    const struct range *r = context;
    bool is_before = piece->address < r->from && r->from - piece->address >= piece->bytes;
    bool is_behind = piece->address >= r->from && piece->address - r->from >= r->bytes;
    if (piece->pool_number == r->pool->number && piece->pool_resets == r->pool->resets - 1 &&
        !is_before && !is_behind) {
        piece->pool_resets = r->pool->resets;
        extend(&r->pool->reach, piece->address, piece->bytes);
        if (piece->has_room && !piece->is_free)
            hak_pieces_list(r->pool, piece);
    }
}

/* No piece begins further before the range than the largest one is long. */
void hak_pieces_keep(struct hak_pool *pool, uintptr_t from, uint64_t bytes) {
    struct range range = {.pool = pool, .from = from, .bytes = bytes};
    struct hak_pool_reach reach = pool->reach;
    pool->reach = (struct hak_pool_reach){0};
    if (bytes)
        each_begin(&reach, in_front(from, reach.largest_bytes), behind(from, bytes), keep_if_inside,
                   &range);
}

static void visit_inside(struct hak_piece *piece, void *context) {
    const struct range *r = context;
    uint64_t into = piece->address - r->from;
    if (piece->pool_number == r->pool->number && piece->address >= r->from && into < r->bytes &&
        r->bytes - into >= piece->bytes && hak_pieces_lives(piece))
        r->visit(piece, r->context);
}

void hak_pieces_each_inside(struct hak_pool *pool, uintptr_t from, uint64_t bytes,
                            void (*visit)(struct hak_piece *, void *), void *context) {
    struct range range = {pool, from, bytes, visit, context};
    each_begin(&pool->reach, from, behind(from, bytes), visit_inside, &range);
}

/* ---- memory that goes ------------------------------------------------------------------------ */

/* The bits of the pages are never cleared: a page may have others' bits, too. */
static void note_outside(const struct hak_piece *piece) {
    set_bit(table->outside, first_place(piece->address >> PAGE_SHIFT, OUTSIDE_BITS));
    extend(&table->outside_reach, piece->address, piece->bytes);
}

/* A piece with a byte in the range, or of whose room one lies there. */
static void leave_to_others(struct hak_piece *piece, void *context) {
    const struct range *r = context;
    const struct hak_pool *pool = hak_pieces_pool_of(piece);
    uintptr_t start = in_front(piece->address, pool ? pool->before : 0);
    uintptr_t end = behind(piece->address, piece->bytes + (pool ? pool->behind : 0));
    if (piece->block.epoch || piece->block.n || start >= behind(r->from, r->bytes) ||
        (end <= r->from && piece->address != r->from))
        return;
    piece->is_unmapped = 1;
    hak_pieces_unlist(piece);
}

/* Where pieces that have a byte in the range may begin. */
static void find_begins(uintptr_t from, uint64_t bytes, uintptr_t *first, uintptr_t *last) {
    const struct hak_pool_reach *reach = &table->outside_reach;
    *first = in_front(in_front(from, reach->largest_bytes), HAK_REDZONE_MOST);
    *last = behind(behind(from, bytes), HAK_REDZONE_MOST);
    *first = *first < reach->lowest ? reach->lowest : *first;
    *last = *last > reach->highest ? reach->highest : *last;
}

static void unmap(uintptr_t from, uint64_t bytes) {
    const uintptr_t page_bytes = (uintptr_t)1 << PAGE_SHIFT;
    struct range range = {.from = from, .bytes = bytes};
    uintptr_t first, last;
    find_begins(from, bytes, &first, &last);
    if (first > last || !table->outside_reach.bits)
        return;
    if ((last - first) >> PAGE_SHIFT >= 1 << OUTSIDE_BITS) {
        each_of_all(leave_to_others, &range);
        return;
    }
    for (uintptr_t page = first & -page_bytes; page <= last && page + page_bytes > page;
         page += page_bytes)
        if (has_bit(table->outside, first_place(page >> PAGE_SHIFT, OUTSIDE_BITS)))
            each_begin(&table->outside_reach, page, page + page_bytes - 1, leave_to_others, &range);
}

/* The lock is not held while the kernel takes the memory: another thread may fork then, and its
 * child would have no pieces. */
void hak_pieces_unmap(uintptr_t from, uint64_t bytes) {
    if (!bytes || !atomic_load_explicit(&hak_pieces_are_kept, memory_order_relaxed) ||
        !lock_for("memory is unmapped in a signal handler that interrupted a call of hak_pool_*"))
        return;
    if (table)
        unmap(from, bytes);
    hak_pieces_unlock();
}

/* ---- all pieces ------------------------------------------------------------------------------ */

uint64_t hak_pieces_lost(void) {
    return lost;
}

bool hak_pieces_misses_pool(uintptr_t address) {
    return is_forgotten || (has_no_malloc_like && address == (uintptr_t)HAK_POOL_MALLOC_LIKE);
}

bool hak_pieces_may_be_lost(uintptr_t address) {
    return !table || is_forgotten || is_noted_lost(address);
}

static void visit_live(struct hak_piece *piece, void *context) {
    const struct range *r = context;
    if (hak_pieces_lives(piece))
        r->visit(piece, r->context);
}

void hak_pieces_each(void (*visit)(struct hak_piece *, void *), void *context) {
    struct range range = {.visit = visit, .context = context};
    if (table)
        each_of_all(visit_live, &range);
}

/* ---- the memory of a piece ------------------------------------------------------------------- */

struct hak_block_life hak_block_life_at(uintptr_t address) {
    struct hak_located at;
    if (!hak_locate((const void *)address, &at) || at.slot->place != HAK_PLACE_LIVE)
        return (struct hak_block_life){0, 0};
    return (struct hak_block_life){at.epoch, at.slot->record_count};
}

void hak_pieces_set_block(struct hak_piece *piece, struct hak_block_life block) {
    piece->block = block;
    piece->is_unmapped = 0;
    if (!block.epoch && !block.n)
        note_outside(piece);
}

bool hak_pieces_has_its_block(const struct hak_piece *piece) {
    if (piece->is_unmapped)
        return false;
    struct hak_block_life now = hak_block_life_at(piece->address);
    return now.epoch == piece->block.epoch && now.n == piece->block.n;
}

/* ---- the list of a pool ---------------------------------------------------------------------- */

struct hak_piece *hak_pieces_linked(uint32_t link) {
    return link ? &table->pieces[link - 1] : NULL;
}

void hak_pieces_list(struct hak_pool *pool, struct hak_piece *piece) {
    struct hak_piece *next = hak_pieces_linked(pool->first);
    piece->is_listed = 1;
    piece->previous = 0;
    piece->next = pool->first;
    pool->first = (uint32_t)(piece - table->pieces) + 1;
    if (next)
        next->previous = pool->first;
}

/* A list whose pool was replaced is nobody's any more. */
void hak_pieces_unlist(struct hak_piece *piece) {
    go_on();
    struct hak_pool *pool = &table->pools[piece->pool_place];
    if (!piece->is_listed)
        return;
    piece->is_listed = 0;
    if (pool->number != piece->pool_number)
        return;
    struct hak_piece *next = hak_pieces_linked(piece->next);
    struct hak_piece *previous = hak_pieces_linked(piece->previous);
    if (next)
        next->previous = piece->previous;
    if (previous)
        previous->next = piece->next;
    else
        pool->first = piece->next;
}

/* Pools and pieces that the parent knew are unknown then: nothing is said of their addresses. */
void hak_pieces_fork_child(void) {
    for (size_t i = 0; table && i < sizeof table->pools / sizeof *table->pools; i++)
        if (table->pools[i].address)
            table->pools[i].is_inherited = 1;
    if (!hak_lock_was_left(&pieces_lock))
        return;
    atomic_store_explicit(&is_stuck, false, memory_order_relaxed);
    if (table)
        (void)hak_unmap(table, HAK_PAGES_OF(sizeof *table));
    table = NULL;
    is_forgotten = true;
    has_no_malloc_like = false;
}
