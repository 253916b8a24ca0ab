/* Holds early events back until those before them have come. */
#include "store/history/track.h"

#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "store/reader/state.h"

#define SLOTS_AT_FIRST 4096

struct hak_held {
    struct hak_event event;
    uint64_t chunk;
    uint32_t next; /* of the same block, + 1; or of the free list */
    bool is_used;
};

static int load_parents(struct hak_track *t, struct hak_store_reader *r) {
    uint64_t highest;
    int found = hak_database_numbers(&r->db, "SELECT coalesce(max(id), 0), ?1 FROM process", 0,
                                     &highest, 1);
    if (found < 0)
        return found;
    t->processes = highest < 1u << 24 ? (uint32_t)highest + 1 : 1;
    t->parent_of = calloc(t->processes, sizeof *t->parent_of);
    t->fork_of = calloc(t->processes, sizeof *t->fork_of);
    if (!t->parent_of || !t->fork_of)
        return hak_store_no_memory("store");
    sqlite3_stmt *rows;
    if (sqlite3_prepare_v2(
            r->db.connection,
            "SELECT p.id, p.parent, p.fork_event FROM process p"
            " JOIN process q ON q.id = p.parent WHERE p.session = q.session AND p.parent < p.id",
            -1, &rows, NULL) != SQLITE_OK)
        return hak_database_fail(&r->db, "reading processes");
    while (sqlite3_step(rows) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(rows, 0);
        if (id <= 0 || id >= t->processes)
            continue;
        t->parent_of[id] = (uint32_t)sqlite3_column_int64(rows, 1);
        t->fork_of[id] = (uint64_t)sqlite3_column_int64(rows, 2);
    }
    sqlite3_finalize(rows);
    return 0;
}

int hak_track_init(struct hak_track *t, struct hak_store_reader *r, hak_track_each each,
                   void *context) {
    *t = (struct hak_track){.slots = SLOTS_AT_FIRST, .each = each, .context = context};
    t->table = calloc(t->slots, sizeof *t->table);
    int error = t->table ? load_parents(t, r) : hak_store_no_memory("store");
    if (error)
        hak_track_free(t);
    return error;
}

void hak_track_free(struct hak_track *t) {
    free(t->table);
    free(t->held);
    free(t->parent_of);
    free(t->fork_of);
    *t = (struct hak_track){0};
}

void hak_track_clear(struct hak_track *t) {
    memset(t->table, 0, t->slots * sizeof *t->table);
    t->used = t->held_free = t->held_count = 0;
    t->chunk = 0;
    for (uint32_t i = 0; i < t->held_room; i++) {
        t->held[i].is_used = false;
        t->held[i].next = t->held_free;
        t->held_free = i + 1;
    }
}

static struct hak_tracked *find_slot(struct hak_tracked *table, uint32_t slots, uint32_t process,
                                     uint64_t base) {
    uint64_t mixed = (base ^ (uint64_t)process << 48) * 0x9e3779b97f4a7c15ull;
    uint32_t at = (uint32_t)(mixed >> 32) & (slots - 1);
    while (table[at].process && (table[at].process != process || table[at].base != base))
        at = (at + 1) & (slots - 1);
    return &table[at];
}

static bool grow_table(struct hak_track *t) {
    struct hak_tracked *table = calloc((size_t)t->slots * 2, sizeof *table);
    if (!table)
        return false;
    for (uint32_t i = 0; i < t->slots; i++)
        if (t->table[i].process)
            *find_slot(table, t->slots * 2, t->table[i].process, t->table[i].base) = t->table[i];
    free(t->table);
    t->table = table;
    t->slots *= 2;
    return true;
}

/* A new block of a forked child goes on from its parent's if that is just where the child comes in:
 * from the nearest ancestor that had events of it, none of them behind the FORK. Else what it was
 * is to be looked up. */
static void inherit(struct hak_track *t, struct hak_tracked *child, const struct hak_event *e) {
    uint32_t process = e->process;
    uint64_t until = UINT64_MAX;
    while (process < t->processes && t->parent_of[process] != 0) {
        until = t->fork_of[process] < until ? t->fork_of[process] : until;
        process = t->parent_of[process];
        const struct hak_tracked *parent = find_slot(t->table, t->slots, process, e->base);
        if (!parent->process)
            continue;
        child->is_midway = parent->generation + 1 != e->generation || parent->last_id > until;
        if (child->is_midway)
            return;
        *child = *parent;
        child->process = e->process;
        child->held = 0;
        return;
    }
}

static struct hak_tracked *find_block(struct hak_track *t, const struct hak_event *e) {
    struct hak_tracked *block = find_slot(t->table, t->slots, e->process, e->base);
    if (block->process)
        return block;
    if (t->used >= t->slots / 3 * 2) {
        if (!grow_table(t))
            return NULL;
        block = find_slot(t->table, t->slots, e->process, e->base);
    }
    t->used++;
    block->process = e->process;
    block->base = e->base;
    inherit(t, block, e);
    return block;
}

static int tell(struct hak_track *t, struct hak_tracked *block, const struct hak_event *e) {
    bool same_epoch = block->is_known && block->generation >> 32 == e->generation >> 32;
    uint64_t missing = same_epoch && e->generation > block->generation + 1
                           ? e->generation - block->generation - 1
                           : 0;
    if (!block->is_known || e->generation > block->generation) {
        if (!same_epoch)
            block->has_place = false; /* the slab began anew under this address */
        block->generation = e->generation;
    }
    block->is_known = true;
    block->last_id = e->id > block->last_id ? e->id : block->last_id;
    return t->each(t->context, block, e, missing);
}

static bool is_next(const struct hak_tracked *block, const struct hak_event *e) {
    if (!block->is_known || !e->generation || e->generation <= block->generation + 1)
        return true;
    return e->generation >> 32 != block->generation >> 32 && (uint32_t)e->generation <= 1;
}

static int hold(struct hak_track *t, struct hak_tracked *block, const struct hak_event *e) {
    if (!t->held_free) {
        uint32_t before = t->held_room;
        if (!hak_array_make_room(&t->held, before, &t->held_room, sizeof *t->held))
            return hak_store_no_memory("store");
        for (uint32_t i = before; i < t->held_room; i++) {
            t->held[i].is_used = false;
            t->held[i].next = t->held_free;
            t->held_free = i + 1;
        }
    }
    uint32_t at = t->held_free - 1, *link = &block->held;
    t->held_free = t->held[at].next;
    while (*link && t->held[*link - 1].event.generation < e->generation)
        link = &t->held[*link - 1].next;
    t->held[at] = (struct hak_held){.event = *e, .chunk = t->chunk, .next = *link, .is_used = true};
    *link = at + 1;
    t->held_count++;
    return 0;
}

/* Tells the held events of a block that are due, or all of those up to `forced` (a held index + 1).
 */
static int release(struct hak_track *t, struct hak_tracked *block, uint32_t forced) {
    int result = 0;
    while (!result && block->held) {
        uint32_t at = block->held - 1;
        if (!forced && !is_next(block, &t->held[at].event))
            break;
        if (forced == at + 1)
            forced = 0;
        struct hak_event e = t->held[at].event;
        block->held = t->held[at].next;
        t->held[at].is_used = false;
        t->held[at].next = t->held_free;
        t->held_free = at + 1;
        t->held_count--;
        result = tell(t, block, &e);
    }
    return result;
}

/* Lets go of what was held since before chunk `chunk`. */
static int give_up_before(struct hak_track *t, uint64_t chunk) {
    int result = 0;
    for (uint32_t i = 0; i < t->held_room && t->held_count && !result; i++)
        if (t->held[i].is_used && t->held[i].chunk < chunk)
            result = release(
                t, find_slot(t->table, t->slots, t->held[i].event.process, t->held[i].event.base),
                i + 1);
    return result;
}

int hak_track_feed(struct hak_track *t, const struct hak_event *e, uint64_t chunk) {
    if (!e->base || !e->process)
        return 0;
    if (chunk != t->chunk) {
        t->chunk = chunk;
        int result = give_up_before(t, chunk - 1);
        if (result)
            return result;
    }
    struct hak_tracked *block = find_block(t, e);
    if (!block)
        return hak_store_no_memory("store");
    /* The first event of a new epoch is always the next one, but those held come before it. */
    if (!is_next(block, e) ||
        (block->held && t->held[block->held - 1].event.generation < e->generation))
        return hold(t, block, e);
    int result = tell(t, block, e);
    return result || !block->held ? result : release(t, block, 0);
}

int hak_track_flush(struct hak_track *t) {
    return give_up_before(t, UINT64_MAX);
}
