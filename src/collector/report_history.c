/* HISTORY: the last life of the block event by event; with a stale owner, his life as well. */
#include "collector/report_page.h"

#include "hop.h"

/* Lines of HISTORY below its heading; the middle of a longer life is left out, and it is said. */
#define LINES_SHOWN 8

#define COLUMN_WHAT   18
#define COLUMN_THREAD 32
#define COLUMN_WHERE  52
#define COLUMN_ROUTE  86

static void add_note(struct hak_text *text, const struct report_page *page,
                     const struct hak_event *event) {
    if (page->stale && event->id == page->stale->ends[0].id)
        hak_text_add(text, "   <-- STALE: owner %u frees owner %u's block",
                     page->stale->stale_owner, page->stale->number);
    else if (page->wrong.id != 0 && event->id == page->wrong.id)
        hak_text_add(text, "   <-- wrong");
}

static void add_event(struct hak_text *text, const struct report_page *page,
                      const struct hak_event *event) {
    struct hak_thread_words thread;
    hak_lookup_thread(page->r, event->thread, &thread);
    hak_text_add(text, "      %s", hak_words_number(event->id));
    hak_text_tab(text, COLUMN_WHAT);
    hak_text_add(text, "%s", hak_words_call(event));
    hak_text_tab(text, COLUMN_THREAD);
    hak_text_add(text, "thread %s", hak_words_thread(&thread));
    hak_text_tab(text, COLUMN_WHERE);
    if (!hak_event_is_call(event)) {
        hak_text_add(text, "%s", hak_words_route(event));
        add_note(text, page, event);
        hak_text_add(text, "\n");
        return;
    }
    struct hak_frames frames;
    hak_frames_load(&frames, page->r, event->stack);
    int first = hak_words_program_frame(frames.frame, frames.count);
    if (first >= 0) {
        if (frames.frame[first].function[0]) {
            hak_text_add_name(text, frames.frame[first].function);
            hak_text_add(text, " ");
        }
        hak_words_add_location(text, &frames.frame[first], 2);
    } else {
        hak_text_add(text, "no stack");
    }
    hak_frames_free(&frames);
    hak_text_tab(text, COLUMN_ROUTE);
    hak_text_add(text, "%s", hak_words_route(event));
    add_note(text, page, event);
    hak_text_add(text, "\n");
}

/* Every move of the block from the birth of `life` on (NULL: all), the middle of many left out. */
static void add_events(struct hak_text *text, const struct report_page *page,
                       const struct hak_life *life) {
    const struct hak_story *story = page->story;
    int first = 0, total = 0;
    for (int i = 0; life && life->birth.id != 0 && i < story->move_count; i++)
        if (story->moves[i].id == life->birth.id)
            first = i;
    for (int i = first; i < story->move_count; i++)
        total += hak_event_is_move(&story->moves[i]);
    int head = total > LINES_SHOWN ? 2 : total;
    int tail = total > LINES_SHOWN ? LINES_SHOWN - 3 : 0;
    int at = 0;
    for (int i = first; i < story->move_count; i++) {
        if (!hak_event_is_move(&story->moves[i]))
            continue;
        if (at < head || at >= total - tail)
            add_event(text, page, &story->moves[i]);
        else if (at == head)
            hak_text_add(text, "      ... %s\n",
                         hak_words_count((uint64_t)(total - head - tail), "event between",
                                         "events between"));
        at++;
    }
    if (total == 0)
        hak_text_add(text, "      nothing was recorded of it\n");
}

static void add_life(struct hak_text *text, const struct report_page *page,
                     const struct hak_life *life) {
    if (life->birth.id != 0)
        add_event(text, page, &life->birth);
    for (int i = 0; i < life->end_count && i < 2; i++)
        add_event(text, page, &life->ends[i]);
}

void report_history(struct hak_text *text, const struct report_page *page) {
    hak_text_add(text, "  HISTORY           ");
    if (!page->r) {
        hak_text_add(text, "not known: there is no store\n");
        return;
    }
    if (page->trouble[0]) {
        hak_text_add(text, "not known: the store could not answer\n");
        return;
    }
    if (!page->story || (page->story->move_count == 0 && page->story->life_count == 0)) {
        hak_text_add(text, "no block at this address is in the capture\n");
        return;
    }
    const struct hak_story *story = page->story;
    const struct hak_life *owner =
        page->stale ? hak_story_life(story, page->stale->stale_owner) : NULL;
    if (owner) {
        hak_text_add(text, "%s of this block; owners %u and %u:\n",
                     hak_words_count(story->lives_total, "life", "lives"), owner->number,
                     page->stale->number);
        add_life(text, page, owner);
        add_life(text, page, page->stale);
        return;
    }
    if (!page->life) {
        hak_text_add(text, "it was never handed to the program in this capture\n");
        add_events(text, page, NULL);
        return;
    }
    hak_text_add(text, "%s of this block; %s\n",
                 hak_words_count(story->lives_total, "life", "lives"),
                 story->lives_total == 1     ? "it is:"
                 : page->life->birth.id == 0 ? "the last one began before the capture:"
                                             : "the last one:");
    add_events(text, page, page->life);
}
