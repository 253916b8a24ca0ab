/* The lives of a block, or all its moves, as the rows of `why`. */
#include "viewer/block/why.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "hop.h"

/* Owners shown unless --all: the newest, and the one that a stale mark names. */
#define OWNERS_SHOWN 12

/* Appends a row; there is room for all. */
static struct why_row *new_row(struct why *why, const struct hak_event *event) {
    struct why_row *row = &why->row[why->rows++];
    memset(row, 0, sizeof *row);
    if (event)
        row->event = *event;
    return row;
}

/* Notes in the row of a life's first or second end that it frees another owner's block, or that it
 * ends the life again. */
static void mark_end(const struct why *why, const struct hak_life *life, int end,
                     struct why_row *row) {
    row->wrong = end == 0 && life->stale_end;
    if (row->wrong)
        snprintf(row->note, sizeof row->note, "STALE: owner %u frees owner %u's block",
                 life->stale_owner, life->number);
    else if (end == 1)
        snprintf(row->note, sizeof row->note, "%s",
                 why->fault.code == 202 && life == why->last ? "double-free reported here"
                                                             : "a second end of one life");
}

/* Marks the row as the wrong step, with what was wrong. */
static void mark_wrong(const struct why *why, struct why_row *row) {
    struct hak_text note = {0};
    row->wrong = true;
    hak_text_add(&note, "WRONG: ");
    hak_words_add_illegal(&note, why->view->reader, why->story, &row->event, why->story->block.base,
                          why->position.user);
    snprintf(row->note, sizeof row->note, "%s", hak_text_string(&note));
    hak_text_free(&note);
}

/* Notes in the row that the fault was reported there; its own record is no step of the block where
 * the call is known that it stopped. */
static void mark_fault(const struct why *why, struct why_row *row) {
    const struct hak_fault_words *words = hak_words_fault(why->fault.code);
    bool is_record =
        row->event.kind == HAK_FAULT && why->fault.event != 0 && why->fault.event != row->event.id;
    snprintf(row->note, sizeof row->note, "%s reported%s%s", words ? words->name : "a crash",
             is_record ? ", of event " : " here",
             is_record ? hak_words_number(why->fault.event) : "");
}

/* Rows for a life's birth, resizes and first two ends. */
static void add_life(struct why *why, const struct hak_life *life) {
    int first = why->rows;
    if (life->birth.id != 0)
        new_row(why, &life->birth);
    for (int i = 0; i < life->resize_count; i++)
        new_row(why, &life->resizes[i]);
    for (int i = 0; i < life->end_count && i < 2; i++)
        mark_end(why, life, i, new_row(why, &life->ends[i]));
    if (why->rows > first)
        why->row[first].owner = life->number;
}

/* True for the newest lives, the one asked for, and those of a stale end; with --all for each. */
static bool is_shown(const struct why *why, int i) {
    const struct hak_story *story = why->story;
    return view_given(why->view, "all") ||
           (why->asked_event != 0 && story->lives[i].birth.id == why->asked_event) ||
           i >= story->life_count - OWNERS_SHOWN ||
           (why->stale &&
            (story->lives[i].number == why->stale->stale_owner || &story->lives[i] == why->stale));
}

/* A row for owners that are not shown, if there are any. */
static void add_gap(struct why *why, uint64_t owners) {
    if (owners == 0)
        return;
    struct why_row *row = new_row(why, NULL);
    row->gap = true;
    row->count = owners;
}

/* Rows for the lives that are shown, and gaps between. */
static void add_lives(struct why *why) {
    const struct hak_story *story = why->story;
    uint64_t hidden = story->lives_total - (uint64_t)story->life_count;
    for (int i = 0; i < story->life_count; i++) {
        if (!is_shown(why, i)) {
            hidden++;
            continue;
        }
        add_gap(why, hidden);
        hidden = 0;
        add_life(why, &story->lives[i]);
    }
}

/* Finds the first life from `from` on that begins with event `id`; -1 when none does. */
static int life_born(const struct hak_story *story, int from, uint64_t id) {
    for (int i = from; i < story->life_count; i++)
        if (story->lives[i].birth.id == id)
            return i;
    return -1;
}

/* Adds, for --moves, a row for every event, with the owner's number where a life begins. */
static void add_moves(struct why *why) {
    const struct hak_story *story = why->story;
    int next = 0;
    for (int i = 0; i < story->move_count; i++) {
        struct why_row *row = new_row(why, &story->moves[i]);
        int born = life_born(story, next, row->event.id);
        if (born >= 0) {
            row->owner = story->lives[born].number;
            next = born + 1;
        }
        const struct hak_life *life = next > 0 ? &story->lives[next - 1] : NULL;
        for (int end = 0; life && end < life->end_count && end < 2; end++)
            if (life->ends[end].id == row->event.id)
                mark_end(why, life, end, row);
    }
}

/* The row of this event; NULL: it is not shown. */
static struct why_row *find_row(struct why *why, uint64_t id) {
    for (int i = 0; id != 0 && i < why->rows; i++)
        if (!why->row[i].gap && why->row[i].event.id == id)
            return &why->row[i];
    return NULL;
}

/* A new row where `event` belongs: records of one block are ordered by generation. */
static struct why_row *insert_row(struct why *why, const struct hak_event *event) {
    int at = 0;
    for (int i = 0; i < why->rows; i++) {
        const struct hak_event *other = &why->row[i].event;
        bool before = other->generation != event->generation && event->generation != 0
                          ? hak_generation_is_before(other->generation, event->generation)
                          : other->id < event->id;
        if (!why->row[i].gap && before)
            at = i + 1;
    }
    new_row(why, event);
    struct why_row row = why->row[why->rows - 1];
    memmove(&why->row[at + 1], &why->row[at], (size_t)(why->rows - 1 - at) * sizeof row);
    why->row[at] = row;
    return &why->row[at];
}

/* Puts the first wrong step and the fault in, where no life's event is them. */
static void add_findings(struct why *why) {
    const struct hak_story *story = why->story;
    if (story->first_wrong.id != 0 && !why->stale) {
        struct why_row *row = find_row(why, story->first_wrong.id);
        if (!row)
            row = insert_row(why, &story->first_wrong);
        if (!row->note[0])
            mark_wrong(why, row);
    }
    bool second_end = why->last && why->last->end_count > 1 && why->fault.code == 202;
    struct why_row *record = find_row(why, story->fault.id);
    struct why_row *call = find_row(why, why->fault.event);
    if (story->fault.id == 0)
        return;
    if (call && call != record && !call->note[0])
        mark_fault(why, call);
    if (record)
        mark_fault(why, record);
    else if (!call && !second_end)
        mark_fault(why, insert_row(why, &story->fault));
}

bool why_make_rows(struct why *why) {
    const struct hak_story *story = why->story;
    size_t most = (size_t)story->move_count + 8;
    for (int i = 0; i < story->life_count; i++)
        most += 4 + (size_t)story->lives[i].resize_count;
    why->row = calloc(most, sizeof *why->row);
    if (!why->row) {
        view_error("out of memory");
        return false;
    }
    if (view_given(why->view, "moves"))
        add_moves(why);
    else
        add_lives(why);
    struct why_row *asked = find_row(why, why->asked_event);
    if (asked) /* p:N: the owner that is the Nth allocation */
        snprintf(asked->note, sizeof asked->note, "this is %s", why->view->argument[0]);
    add_findings(why);
    return true;
}

/* "spill" of FRONT_SPILL, "push" of SLL_PUSH, "drain" of DRAIN_FRONT. */
static void add_move_word(struct hak_text *text, unsigned kind) {
    const char *name = hak_words_kind(kind);
    const char *part = strchr(name, '_');
    const char *from = part && strncmp(name, "DRAIN", 5) != 0 ? part + 1 : name;
    for (; *from && *from != '_'; from++)
        hak_text_add(text, "%c", *from >= 'A' && *from <= 'Z' ? *from - 'A' + 'a' : *from);
}

/* The place's name, with its thread if it is a thread's. */
static void add_place(struct hak_text *text, const struct why *why, const struct hak_event *event) {
    struct hak_thread_words thread;
    hak_text_add(text, "%s", hak_words_place(event->place));
    if (!hak_words_is_thread_place(event->place))
        return;
    if (!hak_lookup_thread(why->view->reader, event->thread, &thread))
        return;
    hak_text_add(text, " %u%s%s", thread.number, thread.name[0] ? " " : "", thread.name);
}

bool why_add_path(struct hak_text *text, const struct why *why, uint32_t *from, uint32_t *to) {
    const struct hak_story *story = why->story;
    if (story->life_count < 2)
        return false;
    const struct hak_life *before = &story->lives[story->life_count - 2];
    if (before->end_count == 0 || why->last->birth.id == 0)
        return false;
    const struct hak_event *end = &before->ends[0];
    int shown = 0, total = 0;
    bool between = false;
    for (int i = 0; i < story->move_count; i++) {
        const struct hak_event *event = &story->moves[i];
        if (event->id == why->last->birth.id)
            break;
        if (event->id == end->id)
            between = true;
        if (!between || hak_event_is_call(event) || !hak_event_is_move(event))
            continue;
        if (total++ == 0)
            add_place(text, why, end);
        if (shown >= 6)
            continue;
        shown++;
        hak_text_add(text, " -> (");
        add_move_word(text, event->kind);
        hak_text_add(text, ") ");
        add_place(text, why, event);
    }
    if (total > shown)
        hak_text_add(text, " -> ... %s",
                     hak_words_count((uint64_t)(total - shown), "move more", "moves more"));
    *from = before->number;
    *to = why->last->number;
    return total > 0;
}
