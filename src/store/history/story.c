/* Loads the story of one block: its lives and events, oldest first, then the search for evidence
 * against the first endings of lives that were ended twice. */
#include "store/history/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "store/history/evidence.h"
#include "store/history/lives.h"
#include "store/reader/inner.h"
#include "trace/record.h"

#define LIVES_KEPT   1024 /* the newest */
#define MOVES_KEPT   4096 /* the newest */
#define RESIZES_KEPT 64   /* of a life, the first ones */
#define PAIR_SLOTS                                                                                 \
    4096 /* distinct (end stack, allocation stack) of one slot that are remembered                 \
          */

/* The life that last ended with this pair of stacks. */
struct ended_pair {
    uint32_t end, birth, number;
};

struct loading {
    struct hak_store_reader *reader;
    struct hak_story *story;
    struct hak_event resizes[RESIZES_KEPT]; /* of the life that goes on */
    int resize_count;
    uint64_t user;                    /* what the program held last, 0 = not known */
    struct hak_event last_wrong_push; /* SLL_PUSH of a pointer that is no base */
    struct ended_pair pair[PAIR_SLOTS];
    uint32_t pairs;
    uint64_t first_ns, last_ns;
    uint64_t named; /* POOL event of the last life, 0 = none */
};

/* ---- lives and moves, kept as rings while they come --------------------------------------------
 */

static bool is_whole(const struct hak_event *e) {
    return e->id && e->stack && !(e->flags & HAK_RECORD_PARTIAL);
}

/* Remembers by which stacks a life began and ended, to recognise a stale end. */
static void remember_pair(struct loading *t, const struct hak_life *life) {
    const struct hak_event *end = &life->ends[0];
    if (!is_whole(end) || !is_whole(&life->birth) || t->pairs > PAIR_SLOTS / 4 * 3)
        return;
    uint32_t at = (end->stack * 0x9e3779b1u ^ life->birth.stack * 0x85ebca6bu) % PAIR_SLOTS;
    while (t->pair[at].number &&
           (t->pair[at].end != end->stack || t->pair[at].birth != life->birth.stack))
        at = (at + 1) % PAIR_SLOTS;
    t->pairs += t->pair[at].number == 0;
    t->pair[at] = (struct ended_pair){end->stack, life->birth.stack, life->number};
}

/* The newest life so far that the same stack ended and another stack had allocated; 0 = none, also
 * when both endings have one stack: a destructor of several types may have been called twice. */
static uint32_t find_earlier_owner(const struct loading *t, const struct hak_life *life) {
    uint32_t newest = 0;
    if (!is_whole(&life->ends[0]) || !is_whole(&life->birth) ||
        life->ends[0].stack == life->ends[1].stack)
        return 0;
    for (uint32_t i = 0; i < PAIR_SLOTS; i++)
        if (t->pair[i].number > newest && t->pair[i].end == life->ends[0].stack &&
            t->pair[i].birth != life->birth.stack)
            newest = t->pair[i].number;
    return newest;
}

/* Keeps a resize; beyond RESIZES_KEPT it replaces the last. */
static void add_resize(struct loading *t, const struct hak_event *e) {
    if (t->resize_count < RESIZES_KEPT)
        t->resize_count++;
    t->resizes[t->resize_count - 1] = *e; /* the newest size matters most */
}

/* Adds a life, when nothing more can happen to it, to a ring of the newest, with its resizes. 0, or
 * an error without memory. */
static int add_life(void *context, const struct hak_life_row *row) {
    struct loading *t = context;
    struct hak_life *life = &t->story->lives[t->story->lives_total++ % LIVES_KEPT];
    size_t bytes = (size_t)t->resize_count * sizeof *life->resizes;
    free(life->resizes);
    *life = (struct hak_life){.number = (uint32_t)row->life.number,
                              .birth = row->life.birth,
                              .resizes = bytes ? malloc(bytes) : NULL,
                              .ends = {row->end, row->again},
                              .end_count = (row->end.id != 0) + (row->again.id != 0)};
    if (bytes && !life->resizes)
        return hak_store_no_memory(t->reader->db.path);
    if (bytes)
        memcpy(life->resizes, t->resizes, bytes);
    life->resize_count = t->resize_count;
    t->resize_count = 0;
    if (row->again.id)
        life->stale_owner = find_earlier_owner(t, life);
    remember_pair(t, life);
    return 0;
}

/* Keeps an event of the block in a ring of the newest, and the first wrong ones apart. Always 0:
 * goes on. */
static int keep_move(void *context, const struct hak_event *e, enum hak_life_step step,
                     uint64_t number) {
    struct loading *t = context;
    struct hak_story *story = t->story;
    (void)number;
    if (!story->moves_total)
        t->first_ns = e->ns;
    t->last_ns = e->ns;
    story->moves[story->moves_total++ % MOVES_KEPT] = *e;
    if (e->kind == HAK_FAULT)
        story->fault = *e;
    if (e->kind == HAK_POOL)
        t->named = e->id;
    if (e->flags & HAK_RECORD_ILLEGAL && !story->first_wrong.id)
        story->first_wrong = *e;
    if (e->kind == HAK_SLL_PUSH && e->address != e->base)
        t->last_wrong_push = *e;
    if (step == HAK_LIFE_BORN)
        t->named = 0;
    if (step == HAK_LIFE_RESIZED)
        add_resize(t, e);
    if (step == HAK_LIFE_BORN || step == HAK_LIFE_RESIZED || step == HAK_LIFE_ENDED)
        t->user = e->address;
    return 0;
}

/* ---- the verdict --------------------------------------------------------------------------------
 */

/* Turns a ring that was filled `total` times into an array, oldest first. Returns how many are in
 * it; -1 without memory. */
static int unroll(void *ring, size_t size, uint64_t total, uint64_t room) {
    if (total <= room)
        return (int)total;
    uint64_t first = total % room;
    char *copy = malloc(room * size);
    if (!copy)
        return -1;
    memcpy(copy, (char *)ring + first * size, (room - first) * size);
    memcpy(copy + (room - first) * size, ring, first * size);
    memcpy(ring, copy, room * size);
    free(copy);
    return (int)room;
}

/* Whether no events are missing, lost or trimmed, as "nowhere else" cannot be said otherwise: 1, 0
 * some are, or an error. */
static int is_capture_whole(struct hak_store_reader *r) {
    uint64_t missing = 0;
    int found = hak_database_numbers(&r->db,
                                     "SELECT coalesce(sum(count), 0) + coalesce((SELECT CAST(value "
                                     "AS INTEGER) FROM meta WHERE key = 'trimmed_events'), 0), ?1 "
                                     "FROM loss",
                                     0, &missing, 1);
    return found < 0 ? found : missing == 0;
}

/* Settles for each suspected stale end whether its stacks ended a life of that site elsewhere; then
 * it is none. 0, or an error. */
static int judge(struct loading *t, uint64_t until) {
    int whole = is_capture_whole(t->reader);
    if (whole < 0)
        return whole;
    for (int i = 0; i < t->story->life_count; i++) {
        struct hak_life *life = &t->story->lives[i];
        if (!life->stale_owner)
            continue;
        uint64_t witness;
        int elsewhere =
            whole ? hak_evidence_elsewhere(t->reader, life->birth.stack, life->ends[0].stack,
                                           life->ends[0].id, until, &witness)
                  : 1;
        if (elsewhere < 0)
            return elsewhere;
        life->stale_end = elsewhere == 0;
        if (!life->stale_end)
            life->stale_owner = 0;
    }
    return 0;
}

/* Loads the name of the pool that the block was last said to be of. */
static void load_pool_name(struct loading *t) {
    char *name = hak_store_mark_name(t->reader, t->named);
    if (name)
        snprintf(t->story->pool, sizeof t->story->pool, "%s", name);
    free(name);
}

int hak_story_fault_row(const struct hak_store_reader *r, const struct hak_event *fault,
                        uint32_t *row) {
    uint64_t value = 0;
    int found = 0;
    if (fault->id)
        found = hak_database_numbers(&r->db, "SELECT id FROM fault WHERE event = ?1", fault->id,
                                     &value, 1);
    if (fault->id && found == 0)
        found = hak_database_numbers(&r->db, "SELECT id FROM fault WHERE ns = ?1", fault->ns,
                                     &value, 1);
    *row = (uint32_t)value;
    return found;
}

/* Loads the row of the fault, and what was lost while the block's events came. 0, or an error. */
static int load_fault_and_losses(struct loading *t, const struct hak_lineage *lineage) {
    struct hak_story *story = t->story;
    int found = hak_story_fault_row(t->reader, &story->fault, &story->fault_row);
    if (found < 0)
        return found;
    return hak_lineage_lost(t->reader, lineage, t->first_ns, t->last_ns, &story->lost_events,
                            &story->stops);
}

/* Settles the first wrong step and the offset, and puts lives and events in order. */
static int finish_story(struct loading *t) {
    struct hak_story *story = t->story;
    const struct hak_event *push = &t->last_wrong_push, *fault = &story->fault;
    if (fault->id && push->id && push->id < fault->id && push->address == fault->address)
        story->first_wrong = *push;
    story->offset = (int64_t)(story->address - (t->user ? t->user : story->block.base));
    story->life_count = unroll(story->lives, sizeof *story->lives, story->lives_total, LIVES_KEPT);
    story->move_count = unroll(story->moves, sizeof *story->moves, story->moves_total, MOVES_KEPT);
    return story->life_count < 0 || story->move_count < 0 ? hak_store_no_memory(t->reader->db.path)
                                                          : 0;
}

/* Makes the story's arrays. False without memory. */
static bool has_memory(struct loading *t, struct hak_story *story) {
    if (!t || !story)
        return false;
    story->lives = calloc(LIVES_KEPT, sizeof *story->lives);
    story->moves = malloc(MOVES_KEPT * sizeof *story->moves);
    return story->lives && story->moves;
}

int hak_story_load(struct hak_store_reader *r, uint64_t address, uint32_t process, uint64_t until,
                   struct hak_story **out) {
    struct hak_lineage lineage;
    struct hak_block_key block = {0};
    *out = NULL;
    int found = hak_lives_find(r, address, process, until, 0, &block, &lineage);
    return found <= 0 ? found : hak_story_of(r, address, &block, &lineage, until, out);
}

int hak_story_of(struct hak_store_reader *r, uint64_t address, const struct hak_block_key *block,
                 const struct hak_lineage *lineage, uint64_t until, struct hak_story **out) {
    *out = NULL;
    struct loading *t = calloc(1, sizeof *t);
    struct hak_story *story = calloc(1, sizeof *story);
    if (!has_memory(t, story)) {
        free(t);
        hak_story_free(story);
        return hak_store_no_memory(r->db.path);
    }
    t->reader = r;
    t->story = story;
    story->block = *block;
    story->address = address;
    struct hak_lives_visitor visitor = {.event = keep_move, .life = add_life, .context = t};
    int result = hak_lives_each(r, block, lineage, until, &visitor);
    if (!result)
        result = finish_story(t);
    if (!result)
        result = judge(t, until);
    if (!result)
        result = load_fault_and_losses(t, lineage);
    load_pool_name(t);
    if (!result)
        result = story->moves_total > 0;
    free(t);
    if (result <= 0)
        hak_story_free(story);
    else
        *out = story;
    return result;
}

void hak_story_free(struct hak_story *story) {
    if (!story)
        return;
    for (int i = 0; story->lives && i < LIVES_KEPT; i++)
        free(story->lives[i].resizes);
    free(story->lives);
    free(story->moves);
    free(story);
}
