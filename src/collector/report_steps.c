/* FIRST WRONG STEP and FOUND: what was done, when, by whom, with its stack. */
#include "collector/report_page.h"

#include <string.h>
#include "hop.h"
#include "superslab.h"

/* Frames shown of one stack, so that two of them and the rest stay on one screen. */
#define FRAMES_SHOWN 7

/* True for frames of the checks and the tracer: they are how it was seen, not how it came. */
static bool is_watcher(const struct hak_frame *frame) {
    const char *file = hak_words_path(frame->file, 3, true);
    return frame->is_hakmem &&
           (strncmp(file, "src/guard/", 10) == 0 || strncmp(file, "src/trace/", 10) == 0 ||
            strcmp(file, "src/hop.h") == 0 || strcmp(file, "src/check.h") == 0);
}

int report_first_frame(const struct hak_frames *frames, bool layer_move) {
    int i = 0;
    if (!layer_move) {
        i = hak_words_program_frame(frames->frame, frames->count);
        return i < 0 ? frames->count : i;
    }
    while (i < frames->count && is_watcher(&frames->frame[i]))
        i++;
    return i;
}

const struct hak_frames *report_main_frames(const struct report_page *page) {
    if (page->wrong_step == WRONG_EARLIER && page->wrong_frames.count > 0)
        return &page->wrong_frames;
    return &page->frames;
}

static void add_stack(struct hak_text *text, const struct report_page *page,
                      const struct hak_frames *frames, const char *absent) {
    int first = report_first_frame(frames, page->layer_move);
    int number = 0;
    for (int i = first; i < frames->count && number < FRAMES_SHOWN; i++, number++) {
        hak_text_add(text, "      #%d ", number);
        hak_words_add_frame(text, &frames->frame[i], 31, 2);
        hak_text_add(text, "\n");
    }
    if (frames->count - first > number)
        hak_text_add(
            text, "      ... and %s more\n",
            hak_words_count((uint64_t)(frames->count - first - number), "frame", "frames"));
    if (number == 0)
        hak_text_add(text, "      no stack: %s\n", absent);
}

static void add_when(struct hak_text *text, uint64_t event, uint64_t ns, uint32_t number,
                     const char *name) {
    if (event != 0)
        hak_text_add(text, "event %s   ", hak_words_number(event));
    hak_text_add(text, "%s   thread %s\n", hak_words_time(ns),
                 name[0] ? hak_words_quoted(number, name) : hak_words_number(number));
}

void report_wrong_sentence(struct hak_text *text, const struct report_page *page) {
    if (page->stale)
        hak_text_add(text, "STALE: owner %u frees owner %u's block", page->stale->stale_owner,
                     page->stale->number);
    else if (page->wrong_step == WRONG_EARLIER && page->story)
        hak_words_add_illegal(text, page->r, page->story, &page->wrong, page->base, page->user);
    else if (page->wrong_step == WRONG_IS_FOUND)
        report_found_sentence(text, page);
    else
        hak_text_add(text, "not in the record: it holds moves of blocks, not writes into them");
}

static void found_by_move(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const char *kind = hak_words_kind(facts->kind);
    const char *due = hak_words_class(page->r, facts->class_due);
    const char *found = hak_words_class(page->r, facts->class_found);
    bool popped = facts->kind != HAK_SLL_PUSH;
    switch (facts->fault) {
    case 103:
        hak_text_add(text, "%s took a pointer that no SuperSlab holds", kind);
        return;
    case 102:
        hak_text_add(text,
                     popped ? "%s found a block of %s in a list of %s"
                            : "%s put a block of %s into a list of %s",
                     kind, due, found);
        return;
    case 104:
        if (page->has_header || page->request->facts.damaged_bytes > 0)
            hak_text_add(text, "%s read no header of class %s at the popped address", kind, due);
        else
            hak_text_add(text, "%s got an address where no slot of class %s begins", kind, due);
        return;
    default:
        if (facts->offset != 0 && facts->found_address == page->user)
            hak_text_add(text, "%s took a user pointer where the base was due", kind);
        else if (facts->offset != 0)
            hak_text_add(text, "%s took a pointer %s bytes off the base, which was due", kind,
                         hak_words_offset(facts->offset));
        else
            hak_text_add(text, "%s took a block that is %s", kind,
                         hak_words_place_sentence(facts->place));
    }
}

static void found_by_call(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const char *call = facts->kind == HAK_FREE ? "free" : "realloc";
    if (facts->kind == HAK_MALLOC)
        call = "malloc";
    switch (facts->fault) {
    case 201:
        hak_text_add(text, "%s was given an address that is no live block's start", call);
        return;
    case 202:
        hak_text_add(text, "%s was given a block that was free already (%s)", call,
                     hak_words_place_sentence(facts->place));
        return;
    case 301:
        hak_text_add(text, "%s found the bytes behind the block changed", call);
        return;
    case 302:
        hak_text_add(text, "%s found the header in front of the block changed", call);
        return;
    default:
        hak_text_add(text, "%s", page->words->meaning);
    }
}

void report_found_sentence(struct hak_text *text, const struct report_page *page) {
    if (page->layer_move)
        found_by_move(text, page);
    else
        found_by_call(text, page);
}

static const char *why_no_stack(const struct report_page *page) {
    return page->request->unwind_end == 4
               ? "a signal handler that interrupted hakmem's unwinder was running"
               : "none of the program's frames could be found";
}

void report_steps(struct hak_text *text, const struct report_page *page) {
    hak_text_add(text, "  FIRST WRONG STEP  ");
    if (page->wrong_step == WRONG_EARLIER) {
        struct hak_thread_words thread;
        hak_lookup_thread(page->r, page->wrong.thread, &thread);
        add_when(text, page->wrong.id, page->wrong.ns, thread.number, thread.name);
        hak_text_add(text, "      ");
        report_wrong_sentence(text, page);
        hak_text_add(text, "\n");
        add_stack(text, page, &page->wrong_frames, "none was kept with this event");
    } else if (page->wrong_step == WRONG_IS_FOUND) {
        uint64_t event = page->wrong.id ? page->wrong.id : page->context.fault_event;
        add_when(text, event, page->context.ns, page->context.thread_number,
                 page->context.thread_name);
        hak_text_add(text, "      ");
        report_found_sentence(text, page);
        hak_text_add(text, "\n");
        add_stack(text, page, &page->frames, why_no_stack(page));
        return;
    } else {
        report_wrong_sentence(text, page);
        hak_text_add(text, "\n");
    }
    hak_text_add(text, "  FOUND             ");
    add_when(text, page->context.fault_event, page->context.ns, page->context.thread_number,
             page->context.thread_name);
    hak_text_add(text, "      ");
    report_found_sentence(text, page);
    hak_text_add(text, "\n");
    add_stack(text, page, &page->frames, why_no_stack(page));
}
