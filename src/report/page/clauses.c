/* What several parts of the page say or ask: the call, the place where the block was allocated or
 * the fault found, and when that was. */
#include "report/page/parts.h"

#include "hop.h"
#include "store/calls.h"

const char *report_call(const struct report_page *page) {
    switch (page->facts->kind) {
    case HAK_MALLOC:
        return "malloc";
    case HAK_FREE:
        return hak_call_given(page->facts->subkind >> 8);
    case HAK_REALLOC:
    case HAK_REALLOC_FROM:
        return "realloc";
    default:
        return hak_words_kind(page->facts->kind);
    }
}

bool report_wrote_more(const struct hak_fault_facts *facts) {
    return facts->damage_is_open || facts->damaged_span > facts->damaged_bytes;
}

void report_given_sentence(struct hak_text *text, const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    hak_text_add(text, "%s", report_call(page));
    if (facts->given_alignment != facts->asked_alignment)
        hak_text_add(text, " with %s", facts->given_alignment ? "alignment " : "no alignment");
    if (facts->given_alignment != facts->asked_alignment && facts->given_alignment)
        hak_text_add(text, "%u", facts->given_alignment);
    else if (facts->given_alignment == facts->asked_alignment)
        hak_text_add(text, " as one of %s", hak_words_bytes(facts->given_bytes));
    hak_text_add(text, " of a block of %s from %s", hak_words_bytes(page->asked_bytes),
                 hak_call_taken(facts->subkind & 0xff));
    if (facts->given_alignment != facts->asked_alignment && facts->asked_alignment)
        hak_text_add(text, " with alignment %u", facts->asked_alignment);
}

bool report_is_found_late(const struct report_page *page) {
    const struct hak_fault_facts *facts = page->facts;
    return facts->fault >= 301 && facts->fault <= 303 && !report_is_access(page);
}

const struct hak_frames *report_main_frames(const struct report_page *page) {
    if (page->wrong_step == WRONG_EARLIER && page->wrong_frames.count > 0)
        return &page->wrong_frames;
    if (report_is_found_late(page) && page->alloc_frames.count > 0)
        return &page->alloc_frames;
    return &page->frames;
}

static bool add_program_place(struct hak_text *text, const struct hak_frames *frames) {
    int first = hak_words_telling_frame(frames->frame, frames->count);
    if (first < 0 || hak_words_frame_role(frames->frame, frames->count, first) != HAK_FRAME_PROGRAM)
        return false;
    hak_words_add_location(text, &frames->frame[first], 1);
    return true;
}

bool report_found_place(struct hak_text *text, const struct report_page *page) {
    return report_is_found_late(page) && add_program_place(text, &page->frames);
}

bool report_allocated_place(struct hak_text *text, const struct report_page *page) {
    return report_is_found_late(page) && add_program_place(text, &page->alloc_frames);
}

void report_when(struct hak_text *text, uint64_t event, uint64_t ns, uint32_t number,
                 const char *name) {
    if (event != 0)
        hak_text_add(text, "event %s   ", hak_words_number(event));
    if (ns != 0)
        hak_text_add(text, "%s   ", hak_words_time(ns));
    hak_text_add(text, "thread %s\n",
                 name[0] ? hak_words_quoted(number, name) : hak_words_number(number));
}
