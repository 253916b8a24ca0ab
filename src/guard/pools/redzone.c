/* Fills and compares the room that the program's own pools leave around their pieces. */
#include "guard/pools/redzone.h"

#include "guard/locate/locate.h"
#include "guard/pools/call.h"
#include "hop.h"
#include "memory_tags.h"
#include "platform/readable.h"

_Atomic bool hak_redzones_are_kept;

/* A byte of a redzone is another one at each address, so that a fill of one value does not pass. */
static uint8_t due_at(uintptr_t address) {
    return (uint8_t)(0x5b + 0x9d * address);
}

static void fill_room(uintptr_t from, size_t bytes) {
    for (uintptr_t at = from; at < from + bytes; at++)
        *(uint8_t *)at = due_at(at);
}

/* Bytes of room on each side of a piece. */
struct room {
    uintptr_t start, end; /* of the piece */
    size_t before, behind;
};

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The room of a piece as its pool tells it, less that outside of the block of malloc with the
 * piece: this is hakmem's or another block's. */
static struct room room_of(const struct hak_pool *pool, const struct hak_piece *piece) {
    struct room room = {.start = piece->address,
                        .end = piece->address + piece->bytes,
                        .before = pool->before,
                        .behind = pool->behind};
    struct hak_located at;
    if (!hak_locate((const void *)piece->address, &at))
        return room;
    uintptr_t user = (uintptr_t)hak_user_in(&at), end = user + hak_asked_bytes_of(&at);
    if (at.slot->place != HAK_PLACE_LIVE)
        room.before = room.behind = 0;
    room.before = user < room.start ? least(room.before, room.start - user) : 0;
    room.behind = room.end < end ? least(room.behind, end - room.end) : 0;
    return room;
}

void hak_redzone_fill(struct hak_pool *pool, struct hak_piece *piece) {
    struct room room = room_of(pool, piece);
    uintptr_t ear = hak_tags_begin_own();
    fill_room(room.start - room.before, room.before);
    fill_room(room.end, room.behind);
    hak_tags_end_own(ear);
    piece->has_room = 1;
    hak_pieces_list(pool, piece);
}

/* ---- damage ---------------------------------------------------------------------------------- */

struct damage {
    uintptr_t first, last;
    uint32_t bytes;
};

static void compare(struct damage *damage, uintptr_t from, size_t bytes) {
    for (uintptr_t at = from; at < from + bytes; at++) {
        if (*(const uint8_t *)at == due_at(at))
            continue;
        damage->first = damage->bytes++ ? damage->first : at;
        damage->last = at;
    }
}

static void copy_damage(struct hak_fault_facts *facts, const struct damage *damage) {
    facts->damaged_bytes = damage->bytes;
    facts->damaged_span = (uint32_t)(damage->last - damage->first) + 1;
    for (size_t i = 0; i < sizeof facts->damage && damage->first + i <= damage->last; i++)
        facts->damage[i] = *(const uint8_t *)(damage->first + i);
}

static bool can_read_room(const struct room *room) {
    struct hak_readable known = {0};
    return hak_is_readable(&known, (const void *)(room->start - room->before), room->before) &&
           hak_is_readable(&known, (const void *)room->end, room->behind);
}

/* Bytes behind the piece are told before those in front of it. */
static bool find_room_damage(const struct room *room, struct hak_fault_facts *facts) {
    struct damage damage = {0};
    if (!can_read_room(room))
        return false;
    compare(&damage, room->end, room->behind);
    facts->damage_is_open = damage.bytes && damage.last == room->end + room->behind - 1;
    if (!damage.bytes)
        compare(&damage, room->start - room->before, room->before);
    if (!damage.bytes)
        return false;
    facts->offset = (int64_t)(damage.first - room->start);
    copy_damage(facts, &damage);
    return true;
}

bool hak_redzone_look(struct hak_piece *piece, struct hak_fault_facts *facts) {
    const struct hak_pool *pool = hak_pieces_pool_of(piece);
    if (!piece->is_listed || piece->is_told || !pool || !hak_pieces_has_its_block(piece))
        return false;
    struct room room = room_of(pool, piece);
    uintptr_t ear = hak_tags_begin_own();
    bool is_damaged = find_room_damage(&room, facts);
    hak_tags_end_own(ear);
    if (!is_damaged)
        return false;
    piece->is_told = 1;
    facts->fault = HAK_FAULT_POOL_OVERFLOW;
    facts->found_address = piece->address;
    hak_pool_add_facts(facts, pool, piece);
    facts->base -= room.before;
    facts->slot_bytes += room.before + room.behind;
    return true;
}

bool hak_redzone_look_at_all(struct hak_pool *pool, struct hak_fault_facts *facts) {
    bool is_damaged = false;
    for (struct hak_piece *piece; (piece = hak_pieces_linked(pool->first));) {
        struct hak_fault_facts next = *facts;
        if (!hak_pieces_lives(piece)) {
            hak_pieces_unlist(piece);
            continue;
        }
        bool is_found = hak_redzone_look(piece, &next);
        hak_pieces_unlist(piece);
        if (is_found && is_damaged)
            facts->more_damaged++;
        else if (is_found)
            *facts = next;
        is_damaged |= is_found;
    }
    return is_damaged;
}

/* ---- the sweep ------------------------------------------------------------------------------- */

/* Counts in `more_damaged` of the facts. */
struct sweep {
    enum hak_found_by found_by;
    struct hak_fault_facts first;
    uint32_t found;
};

static void look_in_sweep(struct hak_piece *piece, void *context) {
    struct sweep *sweep = context;
    struct hak_fault_facts facts = {.kind = sweep->found_by == HAK_FOUND_BY_EXIT ? HAK_PROCESS_END
                                                                                 : HAK_FAULT,
                                    .found_by = sweep->found_by,
                                    .class_found = HAK_CLASS_NONE,
                                    .class_due = HAK_CLASS_NONE};
    if (!hak_redzone_look(piece, &facts))
        return;
    if (sweep->found++ == 0)
        sweep->first = facts;
}

size_t hak_redzone_sweep(enum hak_found_by found_by) {
    struct sweep sweep = {.found_by = found_by};
    if (!atomic_load_explicit(&hak_redzones_are_kept, memory_order_relaxed) || !hak_pieces_lock())
        return 0;
    hak_pieces_each(look_in_sweep, &sweep);
    hak_pieces_unlock();
    if (!sweep.found || hak_pieces_missed())
        return 0;
    sweep.first.more_damaged = sweep.found - 1;
    hak_trace_fault(&sweep.first);
    return sweep.found;
}
