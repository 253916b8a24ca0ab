/* HISTORY: the last life of the block event by event; with a stale owner, his life as well. */
#include "report/page/parts.h"

#include <stdio.h>
#include <string.h>
#include "hop.h"
#include "superslab.h"
#include "trace/record.h"

/* Lines of HISTORY below its heading; the middle of a longer life is left out, and it is said. */
#define LINES_SHOWN 8
#define LINES_TIGHT 5

struct line {
    const struct hak_event *event; /* NULL: `left_out` events stand here, or it is_found */
    int left_out;
    bool is_found; /* where the fault was found */
    char id[32], what[48], thread[64], where[640];
};

struct lines {
    struct line line[LINES_SHOWN + 1];
    int count;
};

/* Sets the line's place to the first frame that tells something. */
static void settle_place(struct line *line, const struct hak_frames *frames) {
    struct hak_text where = {0};
    int first = hak_words_telling_frame(frames->frame, frames->count);
    if (first >= 0) {
        hak_words_add_place(&where, &frames->frame[first], 2);
    } else {
        hak_text_add(&where, "no stack");
    }
    snprintf(line->where, sizeof line->where, "%s", hak_text_string(&where));
    hak_text_free(&where);
}

/* Sets the line's place to that of its event's stack. */
static void settle_where(const struct report_page *page, struct line *line) {
    struct hak_frames frames;
    hak_frames_load_top(&frames, page->r, line->event->stack);
    settle_place(line, &frames);
    hak_frames_free(&frames);
}

/* Adds an event to the lines; beyond LINES_SHOWN it is left out. */
static void add_event_line(struct lines *lines, const struct report_page *page,
                           const struct hak_event *event) {
    if (lines->count > LINES_SHOWN)
        return;
    struct line *line = &lines->line[lines->count++];
    struct hak_thread_words thread;
    *line = (struct line){.event = event};
    report_look_up_thread(page, event->thread, &thread);
    snprintf(line->id, sizeof line->id, "%s", hak_words_number(event->id));
    snprintf(line->what, sizeof line->what, "%s", hak_words_call(event));
    snprintf(line->thread, sizeof line->thread, "thread %s", hak_words_thread(&thread));
    if (hak_event_is_call(event))
        settle_where(page, line);
    else
        snprintf(line->where, sizeof line->where, "%s", hak_words_route(event));
}

/* The finder of the fault, in a word or two: an access, a function, a sweep, a call. */
static const char *found_words(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    switch (facts->found_by) {
    case HAK_FOUND_BY_WATCH:
        return report_access_words(page);
    case HAK_FOUND_BY_LATE_WATCH:
        return "watchpoint";
    case HAK_FOUND_BY_ACCESS:
        return report_has_address(page) ? report_access_words(page) : "crash";
    case HAK_FOUND_BY_FUNCTION:
    case HAK_FOUND_BY_LOOK:
        return report_function(page);
    case HAK_FOUND_BY_CRASH:
        return "crash";
    case HAK_FOUND_BY_CALL:
    case HAK_FOUND_BY_NEIGHBOUR:
        return facts->kind == HAK_MALLOC || facts->kind == HAK_FREE || facts->kind == HAK_REALLOC
                   ? report_call(page)
                   : "check";
    default:
        return "sweep";
    }
}

/* Adds the line of the call, access or sweep at which the fault was found, where it is no event of
 * the block. */
static void add_found_line(struct lines *lines, const struct report_page *page) {
    if (page->context.fault_event == 0 || page->found.id != 0 || page->layer_move ||
        lines->count > LINES_SHOWN)
        return;
    struct line *line = &lines->line[lines->count++];
    *line = (struct line){.is_found = true};
    snprintf(line->id, sizeof line->id, "%s", hak_words_number(page->context.fault_event));
    snprintf(line->what, sizeof line->what, "%s", found_words(page));
    snprintf(line->thread, sizeof line->thread, "thread %s",
             hak_words_named_thread(page->context.thread_number, page->context.thread_name));
    if (page->facts->found_by == HAK_FOUND_BY_EXIT)
        snprintf(line->where, sizeof line->where, "at exit");
    else
        settle_place(line, &page->frames);
}

/* Marks the event at which the fault was done ("wrong", "STALE") or found; nothing for others. */
static void add_note(struct hak_text *text, const struct report_page *page,
                     const struct hak_event *event) {
    if (page->stale && event->id == page->stale->ends[0].id)
        hak_text_add(text, "   <-- STALE: owner %u frees owner %u's block",
                     page->stale->stale_owner, page->stale->number);
    else if (page->wrong.id != 0 && event->id == page->wrong.id)
        hak_text_add(text, "   <-- wrong");
    else if (page->found.id != 0 && event->id == page->found.id && !page->layer_move)
        hak_text_add(text, "   <-- found");
}

static int widest(int width, const char *text) {
    return (int)strlen(text) > width ? (int)strlen(text) : width;
}

/* The layers that a block passed are for authors of the allocator. */
static bool is_route_shown(const struct report_page *page, const struct hak_event *event) {
    return page->layer_move || (event->flags & HAK_RECORD_ILLEGAL) ||
           (event->kind == HAK_REALLOC && event->place == HAK_PLACE_LIVE);
}

/* Prints the lines in columns as wide as needed. */
static void print_lines(struct hak_text *text, const struct report_page *page,
                        const struct lines *lines) {
    int id = 9, what = 10, thread = 10, where = 20;
    for (int i = 0; i < lines->count; i++) {
        id = widest(id, lines->line[i].id);
        what = widest(what, lines->line[i].what);
        thread = widest(thread, lines->line[i].thread);
        where = widest(where, lines->line[i].where);
    }
    for (int i = 0; i < lines->count; i++) {
        const struct line *line = &lines->line[i];
        if (!line->event && !line->is_found) {
            hak_text_add(
                text, "      ... %s\n",
                hak_words_count((uint64_t)line->left_out, "event between", "events between"));
            continue;
        }
        hak_text_add(text, "      %s", line->id);
        hak_text_add_at(text, 6 + id + 2, "%s", line->what);
        hak_text_add_at(text, 6 + id + 2 + what + 2, "%s", line->thread);
        hak_text_add_at(text, 6 + id + 2 + what + 2 + thread + 2, "%s", line->where);
        if (line->is_found) {
            hak_text_add(text, "   <-- found\n");
            continue;
        }
        if (hak_event_is_call(line->event) && is_route_shown(page, line->event)) {
            hak_text_add_at(text, 6 + id + 2 + what + 2 + thread + 2 + where + 2, "%s",
                            hak_words_route(line->event));
        }
        add_note(text, page, line->event);
        hak_text_add(text, "\n");
    }
}

static bool is_line(const struct report_page *page, const struct hak_event *event) {
    return page->layer_move ? hak_event_is_move(event) : hak_event_is_call(event);
}

/* Finds the move with which `life` begins; 0 where that is not known. */
static int first_move(const struct hak_story *story, const struct hak_life *life) {
    int first = 0;
    for (int i = 0; life && life->birth.id != 0 && i < story->move_count; i++)
        if (story->moves[i].id == life->birth.id)
            first = i;
    return first;
}

/* How many of the events from `first` on would be lines. */
static int count_lines(const struct report_page *page, int first) {
    int total = 0;
    for (int i = first; i < page->story->move_count; i++)
        total += is_line(page, &page->story->moves[i]);
    return total;
}

/* Adds every move of the block from the birth of `life` on (NULL: all), the middle of many left
 * out. */
static void add_moves(struct hak_text *text, const struct report_page *page,
                      const struct hak_life *life) {
    const struct hak_story *story = page->story;
    struct lines lines = {0};
    int first = first_move(story, life), total = count_lines(page, first);
    int most = page->cut >= CUT_LENGTHS ? LINES_TIGHT : LINES_SHOWN;
    int head = total > most ? 2 : total;
    int tail = total > most ? most - 3 : 0;
    int at = 0;
    for (int i = first; i < story->move_count; i++) {
        if (!is_line(page, &story->moves[i]))
            continue;
        if (at < head || at >= total - tail)
            add_event_line(&lines, page, &story->moves[i]);
        else if (at == head)
            lines.line[lines.count++] = (struct line){.left_out = total - head - tail};
        at++;
    }
    add_found_line(&lines, page);
    print_lines(text, page, &lines);
    if (total == 0)
        hak_text_add(text, "      nothing was recorded\n");
}

/* Adds lines for the life's birth and its first two ends. */
static void add_life(struct lines *lines, const struct report_page *page,
                     const struct hak_life *life) {
    if (life->birth.id != 0)
        add_event_line(lines, page, &life->birth);
    for (int i = 0; i < life->end_count && i < 2; i++)
        add_event_line(lines, page, &life->ends[i]);
}

/* The history of a stale free: the life that was freed and the one that freed it. */
static void add_owners(struct hak_text *text, const struct report_page *page,
                       const struct hak_life *owner) {
    struct lines lines = {0};
    hak_text_add(text, "%s of this block; owners %u and %u:\n",
                 hak_words_count(page->story->lives_total, "life", "lives"), owner->number,
                 page->stale->number);
    add_life(&lines, page, owner);
    add_life(&lines, page, page->stale);
    print_lines(text, page, &lines);
}

/* The life of the block before its last one, for an access that was stopped: the pointer may be its
 * owner's. NULL = none, or both lives do not fit. */
static const struct hak_life *life_before(const struct report_page *page) {
    const struct hak_story *story = page->story;
    const struct hak_life *before =
        story->life_count > 1 ? &story->lives[story->life_count - 2] : NULL;
    if (!report_is_stopped(page->facts) || page->cut >= CUT_LENGTHS || !before ||
        before->birth.id == 0 || page->life->birth.id == 0 ||
        count_lines(page, first_move(story, before)) > LINES_SHOWN)
        return NULL;
    return before;
}

void report_history(struct hak_text *text, const struct report_page *page) {
    if (report_is_of_pool(page)) /* its calls leave no events */
        return;
    hak_text_add(text, "  HISTORY           ");
    if (page->request->is_unrecorded) {
        hak_text_add(text, "not recorded (%s)\n",
                     page->context.is_light ? "level light" : "HAKMEM_TRACE=off");
        return;
    }
    if (!page->r) {
        hak_text_add(text, "not known: there is no store\n");
        return;
    }
    if (page->trouble[0]) {
        hak_text_add(text, "not known: the store could not answer\n");
        return;
    }
    if (page->context.is_light && !page->life) {
        hak_text_add(text, page->request->alloc_frames[0]
                               ? "not known: the block was watched, but the store did not take it\n"
                               : "not recorded (level light: the block was not watched)\n");
        return;
    }
    if (!page->story || (page->story->move_count == 0 && page->story->life_count == 0)) {
        hak_text_add(text, "the capture has no block at this address\n");
        return;
    }
    const struct hak_story *story = page->story;
    const struct hak_life *owner =
        page->stale ? hak_story_life(story, page->stale->stale_owner) : NULL;
    if (owner) {
        add_owners(text, page, owner);
    } else if (!page->life) {
        hak_text_add(text, "%s\n",
                     page->base ? "it was never handed to the program in this capture"
                                : "hakmem never handed this address out:");
        add_moves(text, page, NULL);
    } else {
        const struct hak_life *before = life_before(page);
        hak_text_add(text, "%s of this block%s:\n",
                     hak_words_count(story->lives_total, "life", "lives"),
                     story->lives_total == 1     ? ""
                     : page->life->birth.id == 0 ? "; the last one began before the capture"
                     : before                    ? "; the last two"
                                                 : "; the last one");
        add_moves(text, page, before ? before : page->life);
    }
}
