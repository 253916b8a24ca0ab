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

static struct hak_filter filter_of_pools(unsigned first, unsigned last, uint64_t to) {
    struct hak_filter filter = {.class_index = -1, .id_to = to};
    for (unsigned kind = first; kind <= last; kind++)
        filter.kind_mask_high |= (uint64_t)1 << (kind - 64);
    return filter;
}

/* Moves the lives one place down where all are taken. */
static void begin_piece_life(struct hak_piece_story *story, const struct hak_event *e) {
    if (story->lives_total >= HAK_PIECE_LIVES)
        memmove(&story->life[0], &story->life[1], sizeof story->life - sizeof story->life[0]);
    story->lives_total++;
    story->life[hak_piece_lives_kept(story) - 1] =
        (struct hak_piece_life){.birth = *e, .pool = hak_event_pool(e)};
}

/* Ends the lives that the event ends: of its piece, or of all pieces of its pool. */
static void end_piece_lives(struct hak_piece_story *story, const struct hak_event *e) {
    bool is_of_piece = e->kind == HAK_PIECE_FREE || e->kind == HAK_PIECE_ALLOC;
    for (int i = 0; i < hak_piece_lives_kept(story); i++) {
        struct hak_piece_life *life = &story->life[i];
        if (!life->end.id && life->pool == hak_event_pool(e) && life->birth.process == e->process &&
            (!is_of_piece || life->birth.address == e->address))
            life->end = *e;
    }
}

static int take_piece_event(void *context, const struct hak_event *e) {
    struct piece_search *search = context;
    if (search->lineage && !hak_lineage_has(search->lineage, e))
        return 0;
    end_piece_lives(search->story, e);
    if (e->kind == HAK_PIECE_ALLOC &&
        (search->address - e->address < e->size || search->address == e->address))
        begin_piece_life(search->story, e);
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
    char *name =
        story->pool.id
            ? hak_database_text(&r->db, "SELECT name FROM mark WHERE event = ?1", story->pool.id)
            : NULL;
    if (name)
        snprintf(story->pool_name, sizeof story->pool_name, "%s", name);
    free(name);
}

int hak_piece_story_read(struct hak_store_reader *r, uint64_t address, uint32_t process,
                         uint64_t to, struct hak_piece_story *out) {
    static struct hak_lineage lineage; /* 24 KiB */
    struct piece_search search = {.address = address, .story = out};
    struct hak_filter filter = filter_of_pools(HAK_PIECE_ALLOC, HAK_POOL_DESTROY, to);
    *out = (struct hak_piece_story){.lives_total = 0};
    int error = process ? hak_lineage_load(r, process, &lineage) : 0;
    search.lineage = process ? &lineage : NULL;
    if (!error)
        error = hak_store_scan(r, &filter, false, take_piece_event, &search);
    if (error || !out->lives_total)
        return error;
    filter = filter_of_pools(HAK_POOL_CREATE, HAK_POOL_CREATE, to);
    error = hak_store_scan(r, &filter, false, take_piece_pool, out);
    if (error < 0)
        return error;
    load_piece_pool_name(r, out);
    return 1;
}
