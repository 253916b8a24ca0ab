/* Finds the pieces of the program's own pools that held an address. */
#include "store/history/piece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "store/reader/inner.h"

struct piece_search {
    uint64_t address;
    const struct hak_lineage *lineage; /* NULL = any process */
    struct hak_piece_story *story;
};

struct hak_filter hak_filter_of_pools(unsigned first, unsigned last, uint64_t to) {
    struct hak_filter filter = {.class_index = -1, .id_to = to};
    for (unsigned kind = first; kind <= last; kind++)
        filter.kind_mask_high |= (uint64_t)1 << (kind - 64);
    return filter;
}

bool hak_is_move_out(const struct hak_event *e) {
    return e->kind == HAK_PIECE_MOVE && (e->size & 0xff) == 0;
}

/* Moves the lives one place down where all are taken. */
static void begin_piece_life(struct hak_piece_story *story, const struct hak_event *e,
                             uint64_t bytes) {
    if (story->lives_total >= HAK_PIECE_LIVES)
        memmove(&story->life[0], &story->life[1], sizeof story->life - sizeof story->life[0]);
    story->lives_total++;
    story->life[hak_piece_lives_kept(story) - 1] =
        (struct hak_piece_life){.birth = *e, .bytes = bytes, .pool = hak_event_pool(e)};
}

/* The reset of a pool that spares the pieces with a byte in its range. */
static bool is_spared(const struct hak_piece_life *life, const struct hak_event *e) {
    uint64_t at = life->birth.address;
    return e->kind == HAK_POOL_RESET && e->size &&
           (at < e->address ? e->address - at < life->bytes : at - e->address < e->size);
}

static bool is_ended_by(const struct hak_piece_life *life, const struct hak_event *e) {
    switch (e->kind) {
    case HAK_PIECE_ALLOC:
    case HAK_PIECE_FREE:
        return life->birth.address == e->address;
    case HAK_PIECE_MOVE:
        return life->birth.address == e->address && !hak_is_move_out(e);
    case HAK_POOL_RESET:
        return !is_spared(life, e);
    default:
        return e->kind == HAK_POOL_DESTROY;
    }
}

static bool is_of_pool(const struct hak_piece_life *life, const struct hak_event *e) {
    return life->pool == hak_event_pool(e) && life->birth.process == e->process;
}

static void end_piece_lives(struct hak_piece_story *story, const struct hak_event *e) {
    for (int i = 0; i < hak_piece_lives_kept(story); i++) {
        struct hak_piece_life *life = &story->life[i];
        if (!life->end.id && is_of_pool(life, e) && is_ended_by(life, e))
            life->end = *e;
    }
}

/* The newest life of the event's piece; NULL: none is known. */
static struct hak_piece_life *last_life_of(struct hak_piece_story *story,
                                           const struct hak_event *e) {
    for (int i = hak_piece_lives_kept(story) - 1; i >= 0; i--)
        if (is_of_pool(&story->life[i], e) && story->life[i].birth.address == e->address)
            return &story->life[i];
    return NULL;
}

/* A move to "out" begins a life of the size of the one before. */
static void begin_if_inside(struct piece_search *search, const struct hak_event *e) {
    const struct hak_piece_life *last = hak_is_move_out(e) ? last_life_of(search->story, e) : NULL;
    uint64_t bytes = e->kind == HAK_PIECE_ALLOC ? e->size : last ? last->bytes : 0;
    if (last && !last->end.id)
        return;
    if (search->address - e->address < bytes || search->address == e->address)
        begin_piece_life(search->story, e, bytes);
}

/* Adds a move of a piece that is with its pool; the oldest one goes where all places are taken. */
static void add_piece_move(struct hak_piece_story *story, const struct hak_event *e) {
    struct hak_piece_life *life = last_life_of(story, e);
    if (!life || !life->end.id || life->end.id == e->id)
        return;
    if (life->moves_total >= HAK_PIECE_MOVES)
        memmove(&life->move[0], &life->move[1], sizeof life->move - sizeof life->move[0]);
    life->moves_total++;
    life->move[hak_piece_moves_kept(life) - 1] = *e;
}

static int take_piece_event(void *context, const struct hak_event *e) {
    struct piece_search *search = context;
    if (search->lineage && !hak_lineage_has(search->lineage, e))
        return 0;
    end_piece_lives(search->story, e);
    if (e->kind == HAK_PIECE_MOVE && !hak_is_move_out(e))
        add_piece_move(search->story, e);
    if (e->kind == HAK_PIECE_ALLOC || hak_is_move_out(e))
        begin_if_inside(search, e);
    return 0;
}

/* Takes the create of the last life's pool. */
static int take_piece_pool(void *context, const struct hak_event *e) {
    struct hak_piece_story *story = context;
    const struct hak_piece_life *last = &story->life[hak_piece_lives_kept(story) - 1];
    if (hak_event_pool(e) != last->pool || e->process != last->birth.process)
        return 0;
    story->pool = *e;
    return 1;
}

static void load_piece_pool_name(struct hak_store_reader *r, struct hak_piece_story *story) {
    char *name = hak_store_mark_name(r, story->pool.id);
    if (name)
        snprintf(story->pool_name, sizeof story->pool_name, "%s", name);
    free(name);
}

int hak_piece_story_read(struct hak_store_reader *r, uint64_t address, uint32_t process,
                         uint64_t to, struct hak_piece_story *out) {
    static struct hak_lineage lineage; /* 24 KiB */
    struct piece_search search = {.address = address, .story = out};
    struct hak_filter filter = hak_filter_of_pools(HAK_PIECE_ALLOC, HAK_POOL_DESTROY, to);
    *out = (struct hak_piece_story){.lives_total = 0};
    int error = process ? hak_lineage_load(r, process, &lineage) : 0;
    search.lineage = process ? &lineage : NULL;
    if (!error)
        error = hak_store_scan(r, &filter, false, take_piece_event, &search);
    if (error || !out->lives_total)
        return error;
    filter = hak_filter_of_pools(HAK_POOL_CREATE, HAK_POOL_CREATE, to);
    error = hak_store_scan(r, &filter, false, take_piece_pool, out);
    if (error < 0)
        return error;
    load_piece_pool_name(r, out);
    return 1;
}
