/* Follows every block through the chunks: order, gaps, and places. */
#include "store/check/order.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "base/array.h"
#include "store/reader/state.h"
#include "trace/record.h"

#define SLOTS_AT_FIRST 4096
#define PROCESSES_MAX  (1u << 24)
#define IN(place)      (1u << HAK_PLACE_##place)

enum { MOVES = 64 };
static const struct {
    uint32_t from, to; /* sets of places, by bit */
    const char *name;
} moves[MOVES] = {
#define HOP(name, number, from_set, to_set, sentence) [number] = {(from_set), (to_set), #name},
#include "hops.def"
};
#undef IN
static const char *const place_names[256] = {
#define PLACE(name, number, text, sentence) [number] = text,
#include "hops.def"
};

/* One move of a block. */
struct move {
    uint64_t base, generation, id, shape;
    uint32_t process;
};

struct block {
    uint64_t base;
    uint64_t generation;   /* of the move told last */
    uint32_t process : 24; /* 0 = a free slot */
    uint32_t place : 6;    /* where it is, if `has_place` */
    uint32_t has_place : 1;
    uint32_t is_known : 1;  /* a move was told */
    uint32_t held : 30;     /* first of its held moves, + 1 */
    uint32_t is_midway : 1; /* its first events are not there: it may come at any record */
    uint32_t is_alone : 1;  /* one move was told so far */
};

struct held {
    struct move move;
    uint64_t chunk;
    uint32_t next; /* of the same block, + 1; or of the free list */
    bool is_used;
};

struct hak_order_check {
    struct hak_store_reader *reader;
    void (*tell)(void *context, const char *text);
    void *context;
    struct block *table;
    uint32_t slots, used, most;
    struct held *held;
    uint32_t held_room, held_free, held_count;
    uint32_t *parent_of; /* process row -> parent's row in the same session, 0 = none */
    uint8_t *has_loss;   /* by process row */
    uint32_t processes;
    bool
        may_start_late; /* the oldest events are gone: what was before the first one is not known */
    bool has_holes;
    uint64_t from, below; /* bases of this reading; below 0 = all */
    uint64_t chunk;       /* number of the chunk being fed */
    uint32_t *slot_of;    /* of each distinct base of the chunk, as found last */
};

/* ---- who has which block ----------------------------------------------------------------------
 */

static int load_processes(struct hak_order_check *o) {
    static const char sql[] =
        "SELECT p.id, CASE WHEN p.session = q.session AND p.parent < p.id THEN p.parent ELSE 0 END,"
        " p.lost > 0 OR EXISTS (SELECT 1 FROM loss l WHERE l.process IN (0, p.id))"
        " FROM process p LEFT JOIN process q ON q.id = p.parent ORDER BY p.id";
    struct hak_store_reader *r = o->reader;
    uint64_t highest;
    int found = hak_database_numbers(&r->db, "SELECT coalesce(max(id), 0), ?1 FROM process", 0,
                                     &highest, 1);
    if (found < 0)
        return found;
    o->processes = highest < PROCESSES_MAX ? (uint32_t)highest + 1 : PROCESSES_MAX;
    o->parent_of = calloc(o->processes, sizeof *o->parent_of);
    o->has_loss = calloc(o->processes, sizeof *o->has_loss);
    if (!o->parent_of || !o->has_loss)
        return hak_store_no_memory(o->reader->db.path);
    sqlite3_stmt *rows;
    if (sqlite3_prepare_v2(r->db.connection, sql, -1, &rows, NULL) != SQLITE_OK)
        return hak_database_fail(&r->db, "reading processes");
    while (sqlite3_step(rows) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(rows, 0);
        if (id <= 0 || id >= o->processes)
            continue;
        o->parent_of[id] = (uint32_t)sqlite3_column_int64(rows, 1);
        o->has_loss[id] = sqlite3_column_int(rows, 2) != 0 || o->has_loss[o->parent_of[id]];
    }
    sqlite3_finalize(rows);
    return 0;
}

static uint32_t place_of(uint32_t slots, uint32_t process, uint64_t base) {
    uint64_t mixed = (base ^ (uint64_t)process << 48) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(mixed >> 32) & (slots - 1);
}

static uint32_t find(const struct block *table, uint32_t slots, uint32_t process, uint64_t base) {
    uint32_t at = place_of(slots, process, base);
    while (table[at].process && (table[at].process != process || table[at].base != base))
        at = (at + 1) & (slots - 1);
    return at;
}

/* Moves the blocks below `below` (0 = all) into a table of `slots`. */
static bool rebuild(struct hak_order_check *o, uint32_t slots, uint64_t below) {
    struct block *table = calloc(slots, sizeof *table);
    if (!table)
        return false;
    o->used = 0;
    for (uint32_t i = 0; i < o->slots; i++) {
        const struct block *b = &o->table[i];
        if (!b->process || (below && b->base >= below))
            continue;
        table[find(table, slots, b->process, b->base)] = *b;
        o->used++;
    }
    free(o->table);
    o->table = table;
    o->slots = slots;
    return true;
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void let_go(struct hak_order_check *o, uint32_t at) {
    o->held[at].is_used = false;
    o->held[at].next = o->held_free;
    o->held_free = at + 1;
    o->held_count--;
}

/* Leaves the upper half of the addresses for another reading. */
static bool shed(struct hak_order_check *o) {
    enum { SAMPLES = 1024 };
    uint64_t sample[SAMPLES] = {0};
    uint32_t count = 0, step = o->slots / (2 * SAMPLES) ? o->slots / (2 * SAMPLES) : 1;
    for (uint32_t i = 0; i < o->slots && count < SAMPLES; i += step)
        for (uint32_t k = i; k < o->slots && k < i + step; k++)
            if (o->table[k].process) {
                sample[count++] = o->table[k].base;
                break;
            }
    qsort(sample, count, sizeof *sample, compare);
    uint64_t below = sample[count / 2];
    if (below <= sample[0])
        return true; /* one base in very many processes: it must fit */
    o->below = below;
    for (uint32_t i = 0; i < o->held_room; i++)
        if (o->held[i].is_used && o->held[i].move.base >= below)
            let_go(o, i);
    return rebuild(o, o->slots, below);
}

/* A new block of a forked child goes on from its parent's if that is just where the child comes in:
 * from the nearest ancestor that had events of it, whose own later ones do not count. One record
 * may lie between: that which another thread of the parent had counted when it forked, and wrote
 * behind the FORK. */
static void inherit(struct hak_order_check *o, uint32_t at, const struct move *m) {
    uint32_t process = m->process;
    if (process < o->processes && o->parent_of[process] != 0 && (uint32_t)m->generation == 2)
        o->table[at].is_midway = true;
    while (process < o->processes && (process = o->parent_of[process]) != 0) {
        const struct block *parent = &o->table[find(o->table, o->slots, process, m->base)];
        if (!parent->process)
            continue;
        if (parent->generation >= m->generation) { /* it went on since: where it was is not known */
            o->table[at].is_midway = true;
            return;
        }
        if (!parent->is_known)
            continue;
        o->table[at] = *parent;
        o->table[at].process = m->process & (PROCESSES_MAX - 1);
        o->table[at].held = 0;
        if (m->generation == parent->generation + 2) {
            o->table[at].generation++;
            o->table[at].has_place = false;
        }
        return;
    }
}

/* The block's slot, or UINT32_MAX when memory is out. */
static uint32_t find_block(struct hak_order_check *o, const struct move *m) {
    uint32_t at = find(o->table, o->slots, m->process, m->base);
    if (o->table[at].process)
        return at;
    if (o->used >= o->most && !shed(o))
        return UINT32_MAX;
    if (o->used >= o->slots / 4 * 3 && !rebuild(o, o->slots * 2, 0))
        return UINT32_MAX;
    at = find(o->table, o->slots, m->process, m->base);
    o->used++;
    o->table[at].process = m->process & (PROCESSES_MAX - 1);
    o->table[at].base = m->base;
    o->table[at].is_midway = o->may_start_late;
    inherit(o, at, m);
    return at;
}

/* ---- what is found -----------------------------------------------------------------------------
 */

__attribute__((format(printf, 2, 3))) static void tell(struct hak_order_check *o,
                                                       const char *format, ...) {
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    o->tell(o->context, text);
}

static const char *place_name(unsigned place) {
    return place < 256 && place_names[place] ? place_names[place] : "unknown place";
}

static bool may_lack_events(const struct hak_order_check *o, uint32_t process) {
    return o->has_holes || process >= o->processes || o->has_loss[process];
}

/* Does the block's record follow the one before? Sets what is known of its place. */
static void judge_order(struct hak_order_check *o, struct block *b, const struct move *m,
                        const char *name) {
    uint32_t epoch = (uint32_t)(m->generation >> 32), n = (uint32_t)m->generation;
    bool same_epoch = b->is_known && b->generation >> 32 == epoch;
    uint64_t missing = 0;
    if (!m->generation) {
        b->has_place = false;
        return;
    }
    if (b->is_known && m->generation <= b->generation) {
        if (!may_lack_events(o, m->process) && !(m->shape >> 32 & HAK_RECORD_ILLEGAL) &&
            !(b->is_midway && b->is_alone))
            tell(o,
                 "event %" PRIu64 ": %s of block 0x%" PRIx64
                 " is its record %u of epoch %u, but record %u of epoch %u came before",
                 m->id, name, m->base, n, epoch, (uint32_t)b->generation,
                 (uint32_t)(b->generation >> 32));
        b->has_place = false;
        return;
    }
    if (same_epoch)
        missing = n - (uint32_t)b->generation - 1;
    else if (b->is_known || !b->is_midway) /* the slab begins under this address */
        missing = n > 1 ? n - 1 : 0;
    if (missing && !may_lack_events(o, m->process))
        tell(o, "block 0x%" PRIx64 ": %" PRIu64 " events before event %" PRIu64 " are missing",
             m->base, missing, m->id);
    if (missing || !same_epoch)
        b->has_place = false;
    b->generation = m->generation;
}

static void judge_way(struct hak_order_check *o, struct block *b, const struct move *m) {
    unsigned kind = m->shape & 0xff, move_place = m->shape >> 16 & 0xff;
    const char *name = moves[kind].name;
    bool is_first = kind == HAK_MALLOC || kind == HAK_REALLOC; /* their place is where from */
    if (m->shape >> 32 & HAK_RECORD_ILLEGAL) {
        tell(o,
             "event %" PRIu64 ": %s of block 0x%" PRIx64
             " was not allowed when it was recorded%s%s",
             m->id, name ? name : "move", m->base, b->has_place ? ": the block was in place " : "",
             b->has_place ? place_name(b->place) : "");
        b->has_place = false;
        return;
    }
    if (!name) {
        tell(o, "event %" PRIu64 ": kind %u is not known to this version", m->id, kind);
        return;
    }
    unsigned from = is_first ? move_place : b->place;
    if (is_first && b->has_place && b->place != move_place)
        tell(o, "event %" PRIu64 ": %s took block 0x%" PRIx64 " from %s, but it was in %s", m->id,
             name, m->base, place_name(move_place), place_name(b->place));
    else if ((is_first || b->has_place) && !(from < 32 && moves[kind].from >> from & 1))
        tell(o, "event %" PRIu64 ": %s of block 0x%" PRIx64 " from %s is not allowed by hops.def",
             m->id, name, m->base, place_name(from));
    unsigned to = is_first ? HAK_PLACE_LIVE : move_place;
    if (!(to < 32 && moves[kind].to >> to & 1))
        tell(o, "event %" PRIu64 ": %s of block 0x%" PRIx64 " to %s is not allowed by hops.def",
             m->id, name, m->base, place_name(to));
    b->place = to & 63u;
    b->has_place = to < 64;
}

static void take(struct hak_order_check *o, struct block *b, const struct move *m) {
    const char *name = moves[m->shape & (MOVES - 1)].name;
    judge_order(o, b, m, name ? name : "move");
    b->is_alone = !b->is_known;
    b->is_known = true;
    judge_way(o, b, m);
}

/* ---- early ones wait ---------------------------------------------------------------------------
 */

static bool is_next(const struct block *b, uint64_t generation) {
    if (!generation || (uint32_t)generation <= 1)
        return !b->is_known || generation <= b->generation + 1 ||
               generation >> 32 != b->generation >> 32;
    return b->is_known ? generation <= b->generation + 1 : b->is_midway;
}

static bool hold(struct hak_order_check *o, struct block *b, const struct move *m) {
    if (!o->held_free) {
        uint32_t before = o->held_room;
        if (!hak_array_make_room(&o->held, before, &o->held_room, sizeof *o->held))
            return false;
        for (uint32_t i = before; i < o->held_room; i++) {
            o->held[i] = (struct held){.next = o->held_free};
            o->held_free = i + 1;
        }
    }
    uint32_t at = o->held_free - 1, first = b->held, *link = &first;
    o->held_free = o->held[at].next;
    while (*link && o->held[*link - 1].move.generation < m->generation)
        link = &o->held[*link - 1].next;
    o->held[at] = (struct held){.move = *m, .chunk = o->chunk, .next = *link, .is_used = true};
    *link = at + 1;
    b->held = first & 0x3fffffffu;
    o->held_count++;
    return true;
}

/* Takes the held moves of a block that are due, or all of those up to `forced` (an index + 1). */
static void release(struct hak_order_check *o, struct block *b, uint32_t forced) {
    while (b->held) {
        uint32_t at = b->held - 1;
        if (!forced && !is_next(b, o->held[at].move.generation))
            break;
        if (forced == at + 1)
            forced = 0;
        struct move m = o->held[at].move;
        b->held = o->held[at].next & 0x3fffffffu;
        let_go(o, at);
        take(o, b, &m);
    }
}

/* Lets go of what was held since before chunk `chunk`. */
static void give_up_before(struct hak_order_check *o, uint64_t chunk) {
    for (uint32_t i = 0; i < o->held_room && o->held_count; i++)
        if (o->held[i].is_used && o->held[i].chunk < chunk) {
            const struct move *m = &o->held[i].move;
            release(o, &o->table[find(o->table, o->slots, m->process, m->base)], i + 1);
        }
}

/* `hint`: the slot where the block was found last. */
static bool feed(struct hak_order_check *o, const struct move *m, uint32_t *hint) {
    if (*hint >= o->slots || o->table[*hint].base != m->base ||
        o->table[*hint].process != m->process)
        *hint = find_block(o, m);
    if (*hint == UINT32_MAX)
        return false;
    if (o->below && m->base >= o->below)
        return true; /* it was left just now */
    struct block *b = &o->table[*hint];
    /* The first move of a new epoch is always the next one, but those held come before it. */
    if (!is_next(b, m->generation) ||
        (b->held && o->held[b->held - 1].move.generation < m->generation))
        return hold(o, b, m);
    take(o, b, m);
    if (b->held)
        release(o, b, 0);
    return true;
}

static bool is_followed(const struct hak_order_check *o, uint64_t base, uint64_t process,
                        unsigned kind) {
    return kind - 1u < MOVES - 1u && base && process && process < PROCESSES_MAX &&
           base >= o->from && (!o->below || base < o->below);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

int hak_order_check_chunk(struct hak_order_check *o, const struct hak_columns *c,
                          uint64_t first_id) {
    const uint32_t *index = c->index[HAK_COLUMN_BASE];
    o->chunk++;
    give_up_before(o, o->chunk - 1);
    for (uint32_t k = 0; k < c->distinct[HAK_COLUMN_BASE]; k++)
        o->slot_of[k] = UINT32_MAX;
    for (uint32_t i = 0; i < c->events; i++) {
        uint64_t actor = hak_columns_value(c, HAK_COLUMN_ACTOR, i);
        struct move m = {.base = hak_columns_value(c, HAK_COLUMN_BASE, i),
                         .shape = hak_columns_value(c, HAK_COLUMN_SHAPE, i),
                         .process = (uint32_t)(actor >> 32),
                         .id = first_id + i};
        if (!is_followed(o, m.base, m.process, m.shape & 0xff))
            continue;
        m.generation = hak_columns_value(c, HAK_COLUMN_GENERATION, i);
        if (!feed(o, &m, &o->slot_of[index[i]]))
            return hak_store_no_memory(o->reader->db.path);
    }
    return 0;
}

void hak_order_check_hole(struct hak_order_check *o) {
    o->has_holes = true;
}

/* Reads the store once more, for the bases from `from` on. */
static int read_again(struct hak_order_check *o) {
    struct hak_scan_limits limits = hak_scan_all();
    struct hak_scan *scan;
    struct hak_event e;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.columns = 1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_BASE |
                     1u << HAK_COLUMN_GENERATION;
    int result = hak_scan_open(o->reader, &limits, false, &scan);
    if (result)
        return result;
    while ((result = hak_scan_next(scan, &e)) == 1) {
        struct move m = {.base = e.base,
                         .generation = e.generation,
                         .id = e.id,
                         .process = e.process,
                         .shape = e.kind | (uint64_t)e.place << 16 | (uint64_t)e.flags << 32};
        uint32_t hint = UINT32_MAX;
        if (hak_scan_chunks(scan) != o->chunk) {
            o->chunk = hak_scan_chunks(scan);
            give_up_before(o, o->chunk - 1);
        }
        if (is_followed(o, m.base, m.process, e.kind) && !feed(o, &m, &hint)) {
            result = hak_store_no_memory(o->reader->db.path);
            break;
        }
    }
    hak_scan_close(scan);
    return result;
}

int hak_order_check_finish(struct hak_order_check *o) {
    int error = 0;
    give_up_before(o, UINT64_MAX);
    while (!error && o->below) {
        o->from = o->below;
        o->below = 0;
        o->chunk = o->used = 0;
        memset(o->table, 0, o->slots * sizeof *o->table);
        error = read_again(o);
        give_up_before(o, UINT64_MAX);
    }
    return error;
}

int hak_order_check_make(struct hak_store_reader *r, bool is_trimmed,
                         void (*tell_it)(void *context, const char *text), void *context,
                         struct hak_order_check **out) {
    struct hak_order_check *o = calloc(1, sizeof *o);
    *out = NULL;
    if (!o)
        return hak_store_no_memory(r->db.path);
    o->reader = r;
    o->tell = tell_it;
    o->context = context;
    o->most = HAK_ORDER_BLOCKS;
    o->slots = SLOTS_AT_FIRST;
    o->table = calloc(o->slots, sizeof *o->table);
    o->slot_of = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *o->slot_of);
    o->may_start_late = is_trimmed;
    int error =
        o->table && o->slot_of ? load_processes(o) : hak_store_no_memory(o->reader->db.path);
    if (error)
        hak_order_check_free(o);
    else
        *out = o;
    return error;
}

void hak_order_check_limit(struct hak_order_check *o, uint32_t blocks) {
    o->most = blocks;
}

void hak_order_check_free(struct hak_order_check *o) {
    if (!o)
        return;
    free(o->table);
    free(o->held);
    free(o->parent_of);
    free(o->has_loss);
    free(o->slot_of);
    free(o);
}
