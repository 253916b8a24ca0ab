/* The page of `why`: what the address is, the table of owners, EVIDENCE, FAULT, NEXT. */
#include "viewer/block/why.h"

#include <inttypes.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/block/mapping.h"
#include "viewer/block/piece.h"
#include "viewer/block/position.h"

struct columns {
    int event, time, what, thread, function, location, note;
};

static int max_of(int a, size_t b) {
    return (int)b > a ? (int)b : a;
}

static const char *what_of(const struct why_row *row) {
    return hak_words_call(&row->event);
}

/* The columns' places, as wide as the rows need, within bounds. */
static struct columns measure(const struct why *why) {
    int event = 5, time = 7, what = 12, thread = 8, function = 8, location = 8;
    for (int i = 0; i < why->rows; i++) {
        const struct why_row *row = &why->row[i];
        if (row->gap)
            continue;
        event = max_of(event, strlen(hak_words_number(row->event.id)));
        time = max_of(time, strlen(hak_words_time(row->event.ns)));
        what = max_of(what, strlen(what_of(row)));
        thread = max_of(thread, strlen(view_thread_label(why->view, row->event.thread)));
        if (!hak_event_is_call(&row->event))
            continue;
        const struct stack_label *label = view_stack_label(why->view, row->event.stack);
        function = max_of(function, strlen(label->function));
        location = max_of(location, strlen(label->location));
    }
    struct columns c = {.event = 9};
    c.time = c.event + event + 3;
    c.what = c.time + time + 2;
    c.thread = c.what + what + 2;
    c.function = c.thread + thread + 2;
    c.location = c.function + (function > 40 ? 40 : function) + 2;
    c.note = c.location + (location > 30 ? 30 : location) + 3;
    return c;
}

/* The function and the line of a call, or a move's way. */
static void add_where(struct hak_text *text, const struct why *why, const struct columns *c,
                      const struct why_row *row) {
    if (!hak_event_is_call(&row->event)) {
        hak_text_add(text, "%s", hak_words_route(&row->event));
        return;
    }
    const struct stack_label *label = view_stack_label(why->view, row->event.stack);
    if (!label->location[0]) {
        hak_text_add(text, "no stack");
        return;
    }
    hak_text_add(text, "%s", label->function[0] ? label->function : "??");
    hak_text_tab(text, c->location);
    bool is_red = row->wrong; /* the whole line */
    hak_text_add(text, "%s%s%s", is_red ? "" : view_style(why->view, VIEW_PLACE), label->location,
                 is_red ? "" : view_style(why->view, VIEW_PLAIN));
}

/* One row of the table, with --stacks its stack below. */
static void add_owner_row(struct hak_text *text, const struct why *why, const struct columns *c,
                          const struct why_row *row) {
    if (row->gap) {
        hak_text_add(text, "  ...    %s not shown%s\n",
                     hak_words_count(row->count, "owner", "owners"),
                     view_given(why->view, "all") ? "" : "; --all shows them");
        return;
    }
    hak_text_add(text, "%s", row->wrong ? view_style(why->view, VIEW_RED) : "");
    if (row->owner != 0)
        hak_text_add(text, "  %-4u", row->owner);
    else
        hak_text_add(text, "      ");
    hak_text_add(text, " %s ", row->wrong ? ">" : " ");
    hak_text_add(text, "%s", hak_words_number(row->event.id));
    hak_text_add_at(text, c->time, "%s", hak_words_time(row->event.ns));
    hak_text_add_at(text, c->what, "%s", what_of(row));
    hak_text_add_at(text, c->thread, "%s", view_thread_label(why->view, row->event.thread));
    if (hak_event_is_move(&row->event)) {
        hak_text_tab(text, c->function);
        add_where(text, why, c, row);
    }
    if (row->note[0]) {
        hak_text_add_at(text, c->note, "%s", row->note);
    }
    hak_text_add(text, "%s\n", row->wrong ? view_style(why->view, VIEW_PLAIN) : "");
    if (view_given(why->view, "stacks"))
        view_add_event_stack(text, why->view, &row->event, c->time);
}

/* The table of owners, and remarks on what it leaves out. */
static void add_table(struct hak_text *text, const struct why *why) {
    struct columns c = measure(why);
    hak_text_add(text, "\n%s  owner  event", view_style(why->view, VIEW_BOLD));
    hak_text_add_at(text, c.time, "time");
    hak_text_add_at(text, c.what, "what");
    hak_text_add_at(text, c.thread, "thread");
    hak_text_add_at(text, c.function, "where%s\n", view_style(why->view, VIEW_PLAIN));
    for (int i = 0; i < why->rows; i++)
        add_owner_row(text, why, &c, &why->row[i]);
    bool asked_is_shown = why->asked_event == 0;
    for (int i = 0; i < why->rows; i++)
        asked_is_shown |= !why->row[i].gap && why->row[i].event.id == why->asked_event;
    if (!asked_is_shown)
        hak_text_add(text,
                     "  %s is event %s, an owner before these: hakmem-trace block 0x%" PRIx64
                     " --until '#%" PRIu64 "' --last 1 shows it\n",
                     why->view->argument[0], hak_words_number(why->asked_event),
                     why->position.address, why->asked_event);
    struct hak_text path = {0};
    uint32_t from, to;
    if (!view_given(why->view, "moves") && why_add_path(&path, why, &from, &to))
        hak_text_add(text, "  moves between owners %u and %u: %s     --moves shows them all\n",
                     from, to, path.bytes);
    hak_text_free(&path);
    if (why->story->moves_total > (uint64_t)why->story->move_count)
        hak_text_add(text, "  %s of this block; the newest %s were looked at\n",
                     hak_words_count(why->story->moves_total, "event", "events"),
                     hak_words_number((uint64_t)why->story->move_count));
}

/* Faults that were caught in the act: nobody else has written. */
static bool is_act(unsigned code) {
    return code == 201 || code == 203 || code == 204 || code == 304;
}

void why_add_evidence(struct hak_text *text, const struct why *why) {
    const struct hak_story *story = why->story;
    bool double_end = why->last && why->last->end_count > 1;
    bool owners_before = story->life_count > 1;
    if (why->stale) {
        hak_words_add_stale(text, why->view->reader, why->stale);
        return;
    }
    if (hak_words_add_evidence(text, why->fault.code, why->last) || why->fault.code == 203 ||
        why->fault.code == 204 || why->fault.code == 401)
        return;
    if (why->fault.is_access && !double_end) {
        hak_text_add(text, "the report names the access");
        return;
    }
    if ((double_end && !owners_before) ||
        (!double_end &&
         (story->first_wrong.id != 0 || why->fault.id == 0 || is_act(why->fault.code))))
        return;
    hak_text_add(text, "%s",
                 why->fault.code == 202 || double_end
                     ? "none that ties an earlier owner to it"
                     : "writer unknown: the record holds moves, not writes");
    int before = story->life_count - 1;
    if (before == 1)
        hak_text_add(text, "; owner %u held this address before", story->lives[0].number);
    else if (before > 1)
        hak_text_add(text, "; owners %u%s%u held this address before", story->lives[0].number,
                     before == 2 ? " and " : " to ", story->lives[before - 1].number);
}

void why_load_creations(struct hak_creations *all, const struct why *why) {
    *all = (struct hak_creations){0};
    for (int i = 0; i < why->rows; i++)
        if (!why->row[i].gap)
            hak_creations_add(all, why->view->reader, why->row[i].event.thread);
    hak_creations_add_creators(all, why->view->reader);
    hak_creations_sort(all);
}

/* Adds where a thread was created, " at start_io server.c:12", with --stacks the whole stack. */
static void add_creation_place(struct hak_text *text, const struct why *why,
                               const struct hak_frames *frames) {
    enum { INDENT = 10 };
    int first = hak_words_telling_frame(frames->frame, frames->count);
    if (first < 0) {
        hak_text_add(text, "\n");
    } else if (view_given(why->view, "stacks")) {
        hak_text_add(text, " at:\n");
        view_add_frames(text, why->view, frames, INDENT);
    } else {
        hak_text_add(text, " at ");
        hak_words_add_function(text, frames->frame[first].function);
        hak_text_add(text, " %s", view_style(why->view, VIEW_PLACE));
        hak_words_add_location(text, &frames->frame[first], 1);
        hak_text_add(text, "%s\n", view_style(why->view, VIEW_PLAIN));
    }
}

/* Where the threads of the rows were created. */
static void add_creations(struct hak_text *text, const struct why *why) {
    struct hak_creations all;
    why_load_creations(&all, why);
    if (all.count > 0)
        view_add_heading(text, why->view, "THREADS", 10);
    for (int i = 0, alike = 0; i < all.count; i += alike) {
        alike = hak_creations_alike(&all, i);
        if (i > 0)
            hak_text_tab(text, 10);
        hak_creations_add_sentence(text, &all, i, alike);
        add_creation_place(text, why, &all.list[i].frames);
    }
    if (all.more > 0) {
        hak_text_add_at(
            text, 10, "and %s more; `hakmem-trace threads --stacks` shows where each was created\n",
            hak_words_count((uint64_t)all.more, "thread", "threads"));
    }
    hak_creations_free(&all);
}

/* True when owners are left out. */
static bool has_gap(const struct why *why) {
    for (int i = 0; i < why->rows; i++)
        if (why->row[i].gap)
            return true;
    return false;
}

/* THREADS, EVIDENCE, FAULT and NEXT. */
static void add_end(struct hak_text *text, const struct why *why) {
    struct hak_text evidence = {0};
    add_creations(text, why);
    why_add_evidence(&evidence, why);
    if (evidence.length > 0) {
        view_add_heading(text, why->view, "EVIDENCE", 10);
        hak_text_add_text(text, &evidence);
        hak_text_add(text, "\n");
    }
    hak_text_free(&evidence);
    view_add_block_fault(text, why->view, &why->fault, "a crash, ");
    view_add_heading(text, why->view, "NEXT", 10);
    struct hak_text option = {0};
    view_add_store_option(&option, why->view);
    if (view_given(why->view, "process") || why->view->summary.processes > 1) {
        hak_text_add(&option, " -p ");
        view_add_process_name(&option, why->view, why->story->block.process);
    }
    const char *named = hak_text_string(&option);
    if (has_gap(why)) {
        hak_text_add(text, "hakmem-trace block 0x%" PRIx64 "%s\n", why->position.address, named);
        hak_text_tab(text, 10);
    }
    if (!view_given(why->view, "stacks"))
        hak_text_add(text, "hakmem-trace why 0x%" PRIx64 " --stacks%s     ", why->position.address,
                     named);
    else if (!view_given(why->view, "moves"))
        hak_text_add(text, "hakmem-trace why 0x%" PRIx64 " --moves%s     ", why->position.address,
                     named);
    hak_text_add(text, "hakmem-trace events --addr 0x%" PRIx64 "%s\n", why->story->block.base,
                 named);
    hak_text_free(&option);
}

/* Adds the mapping of an address that a call was given and that lies in no block. */
static void add_mapping(struct hak_text *text, const struct why *why) {
    struct hak_mapped_place mapping;
    if (mapping_read(why->view, why->position.address, why->story->block.process,
                     why->position.until_id, &mapping) > 0)
        mapping_add(text, why->view, why->position.address, &mapping);
    hak_mapped_place_free(&mapping);
}

/* Adds the pieces of the program's own pools that held the address. */
static void add_pieces(struct hak_text *text, const struct why *why) {
    struct hak_piece_story pieces;
    if (piece_read(why->view, why->position.address, why->story->block.process,
                   why->position.until_id, &pieces) > 0)
        piece_add(text, why->view, why->position.address, &pieces);
}

void why_add_page(struct hak_text *text, const struct why *why) {
    if (hak_story_is_outside(why->story)) {
        hak_text_add(text, "0x%" PRIx64 " was in no block of this capture.\n",
                     why->position.address);
        view_add_module(text, why->view, why->position.address);
        add_mapping(text, why);
        hak_text_add(text, "A call was given it. ");
        view_add_block_completeness(text, why->view, &why->position);
    } else {
        struct hak_text owners = {0}, pool = {0};
        if (why->last)
            hak_text_add(&owners, ", %s in this capture",
                         hak_words_count(why->story->lives_total, "owner", "owners"));
        if (why->story->pool[0])
            hak_text_add(&pool, "In the program's pool \"%s\". ", why->story->pool);
        view_add_head(text, why->view, &why->position, hak_text_string(&owners),
                      hak_text_string(&pool));
        hak_text_free(&owners);
        hak_text_free(&pool);
    }
    add_table(text, why);
    hak_text_add(text, "\n");
    add_pieces(text, why);
    add_end(text, why);
}
