/* FIRST WRONG STEP and FOUND: what was done, when, by whom, with its stack. */
#include "report/report_page.h"

#include <string.h>
#include "hop.h"
#include "store/calls.h"
#include "superslab.h"

const struct hak_frames *report_main_frames(const struct report_page *page) {
    if (page->wrong_step == WRONG_EARLIER && page->wrong_frames.count > 0)
        return &page->wrong_frames;
    return &page->frames;
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
    else if (page->facts->fault == 202)
        hak_text_add(text, "one of the frees is one too many; nothing in the record tells which");
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
            hak_text_add(
                text,
                "%s got an address where no slot of class %s begins (no header in this layout)",
                kind, due);
        return;
    default:
        if (facts->offset != 0 && facts->found_address == page->user)
            hak_text_add(text, "%s took a user pointer where the base was due", kind);
        else if (facts->offset != 0)
            hak_text_add(
                text, "%s took a pointer %s %s the base, which was due", kind,
                hak_words_bytes((uint64_t)(facts->offset < 0 ? -facts->offset : facts->offset)),
                facts->offset < 0 ? "before" : "past");
        else
            hak_text_add(text, "%s took a block that is %s", kind,
                         hak_words_place_sentence(facts->place));
    }
}

static void found_by_call(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    const char *call = facts->kind == HAK_FREE ? hak_call_given(facts->subkind >> 8) : "realloc";
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

/* The free that ended the block's life, before the one that was one too many. */
static void add_first_free(struct hak_text *text, const struct report_page *page) {
    const struct hak_event *end = &page->life->ends[0];
    struct hak_thread_words thread;
    struct hak_frames frames;
    hak_lookup_thread(page->r, end->thread, &thread);
    hak_frames_load(&frames, page->r, end->stack);
    hak_text_add(text, "  FREED BEFORE      ");
    add_when(text, end->id, end->ns, thread.number, thread.name);
    report_add_stack(text, &frames, false, "none was kept with this event");
    hak_frames_free(&frames);
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
        report_add_stack(text, &page->wrong_frames, page->layer_move,
                         "none was kept with this event");
    } else if (page->wrong_step == WRONG_IS_FOUND) {
        uint64_t event = page->wrong.id ? page->wrong.id : page->context.fault_event;
        add_when(text, event, page->context.ns, page->context.thread_number,
                 page->context.thread_name);
        hak_text_add(text, "      ");
        report_found_sentence(text, page);
        hak_text_add(text, "\n");
        report_add_stack(text, &page->frames, page->layer_move, why_no_stack(page));
        return;
    } else {
        report_wrong_sentence(text, page);
        hak_text_add(text, "\n");
    }
    if (page->facts->fault == 202 && page->wrong_step == WRONG_UNKNOWN && page->life &&
        page->life->end_count > 0)
        add_first_free(text, page);
    hak_text_add(text, "  FOUND             ");
    add_when(text, page->context.fault_event, page->context.ns, page->context.thread_number,
             page->context.thread_name);
    hak_text_add(text, "      ");
    report_found_sentence(text, page);
    hak_text_add(text, "\n");
    report_add_stack(text, &page->frames, page->layer_move, why_no_stack(page));
}
